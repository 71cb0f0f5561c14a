// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/users_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "common/auth/hasher.h"
#include "common/base/secret.h"
#include "common/base/text.h"

namespace posada::auth {

namespace {

constexpr std::string_view removed_tag = "#removed:";

Status check_owner(const struct stat& st, const std::string& path) {
    if (!S_ISREG(st.st_mode)) return Error{Errc::invalid, 0, path + ": not a regular file"};
    const uid_t self = ::geteuid();
    if (st.st_uid != self && st.st_uid != 0)
        return Error{Errc::denied, 0,
                     path + ": owned by uid " + std::to_string(st.st_uid) + ", who could add users to it; run: chown " +
                         std::to_string(self) + " " + path};
    if ((st.st_mode & 077) != 0)
        return Error{Errc::denied, 0,
                     path + ": other users may read or change it (it holds password hashes); run: chmod 600 " + path};
    return {};
}

struct OwnedFile {
    UniqueFd fd; // invalid: there is no such file
    std::size_t size = 0;
};

Result<OwnedFile> open_owned(const std::string& path) {
    OwnedFile out;
    out.fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!out.fd.valid() && errno == ENOENT) return out;
    if (!out.fd.valid()) return errno_error(path);
    struct stat st {};
    if (::fstat(out.fd.get(), &st) != 0) return errno_error(path);
    RETURN_IF_ERROR(check_owner(st, path));
    out.size = static_cast<std::size_t>(st.st_size);
    return out;
}

Result<std::uint32_t> parse_id(std::string_view text, std::string_view what) {
    const auto id = parse_uint(text);
    if (!id || *id >= std::numeric_limits<std::uint32_t>::max())
        return Error{Errc::corrupt, 0, std::string(what).append(": a number is expected")};
    if (*id == 0) return Error{Errc::corrupt, 0, std::string(what).append(": 0 is refused, no user acts as root")};
    return static_cast<std::uint32_t>(*id);
}

Status check_home(std::string_view home) {
    const auto parts = split(home, '/');
    const bool climbs = std::find(parts.begin(), parts.end(), "..") != parts.end();
    if (home.size() < 2 || home.front() != '/' || home.size() > 1024 || climbs || has_control(home))
        return Error{Errc::corrupt, 0, "home: an absolute path is expected"};
    return {};
}

Status check_hash(std::string_view hash) {
    if (hash.empty() || hash.front() == '!') return {};
    if (Hasher::acceptable(hash)) return {};
    return Error{Errc::corrupt, 0,
                 "hash: not a crypt(3) hash that is strong enough; set a new password with: posada user passwd"};
}

Result<UserEntry> parse_entry(std::string_view line) {
    if (line.back() == '\r')
        return Error{Errc::corrupt, 0,
                     "the line ends with a carriage return, as on Windows; run: sed -i 's/\\r$//' FILE"};
    if (line.starts_with("\xEF\xBB\xBF"))
        return Error{Errc::corrupt, 0,
                     "the file begins with a byte order mark; run: sed -i '1s/^\\xEF\\xBB\\xBF//' FILE"};
    const auto fields = split(line, ':');
    if (!valid_account_name(fields[0]))
        return Error{Errc::corrupt, 0, "name: a-z, 0-9, '.', '_' and '-' are expected, not starting with '.' or '-'"};
    if (fields.size() != 6 && fields.size() != 7)
        return Error{Errc::corrupt, 0,
                     "name:hash:scram:uid:gid:home or name:hash:scram:uid:gid:home:options is expected, found " +
                         std::to_string(fields.size()) + " field(s)"};
    UserEntry entry;
    entry.name = fields[0];
    entry.hash = fields[1];
    RETURN_IF_ERROR(check_hash(entry.hash));
    if (!fields[2].empty()) {
        auto verifier = ScramVerifier::parse(fields[2]);
        if (!verifier) return verifier.error();
        entry.scram = std::move(*verifier);
    }
    const auto uid = parse_id(fields[3], "uid");
    if (!uid) return uid.error();
    const auto gid = parse_id(fields[4], "gid");
    if (!gid) return gid.error();
    RETURN_IF_ERROR(check_home(fields[5]));
    entry.uid = *uid;
    entry.gid = *gid;
    entry.home = fields[5];
    auto options = UserOptions::parse(fields.size() == 7 ? fields[6] : std::string_view());
    if (!options) return options.error();
    entry.options = *options;
    return entry;
}

} // namespace

Account UserEntry::account() const {
    Account out;
    out.name = name;
    out.virtual_user = true;
    out.uid = uid;
    out.gid = gid;
    out.home = home;
    out.quota = options.quota;
    out.quota_messages = options.quota_messages;
    return out;
}

std::string UserEntry::line() const {
    std::string out = name + ":" + hash + ":" + (scram ? scram->text() : std::string());
    out.append(":").append(std::to_string(uid)).append(":").append(std::to_string(gid));
    out.append(":").append(home);
    return options.empty() ? out : out.append(":").append(options.text());
}

Result<UsersFile> UsersFile::load(const std::string& path) {
    auto file = open_owned(path);
    if (!file) return file.error();
    if (!file->fd.valid()) return UsersFile();
    auto text = read_all(file->fd.get(), max_users_file);
    if (!text) return Error{text.error().code, text.error().sys, path + ": " + text.error().text};
    return parse(*text, path);
}

Result<UsersFile> UsersFile::load_user(const std::string& path, std::string_view name) {
    auto file = open_owned(path);
    if (!file) return file.error();
    if (file->size == 0) return UsersFile();
    if (file->size > max_users_file) return Error{Errc::limit, 0, path + ": larger than 64 MiB"};
    void* const mapped = ::mmap(nullptr, file->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file->fd.get(), 0);
    if (mapped == MAP_FAILED) return errno_error(path);
    UsersFile out;
    std::string_view text(static_cast<const char*>(mapped), file->size);
    for (unsigned number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        if (iequals(trim(line.substr(0, line.find(':'))), name)) out.parse_line(line, number, path);
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    ::munmap(mapped, file->size);
    return out;
}

void UsersFile::wipe() noexcept {
    for (UserEntry& entry : entries_) {
        posada::wipe(entry.hash);
        posada::wipe(entry.options.apop);
        if (!entry.scram) continue;
        posada::wipe(entry.scram->stored_key);
        posada::wipe(entry.scram->server_key);
    }
    entries_.clear();
}

UsersFile UsersFile::parse(std::string_view text, const std::string& path) {
    UsersFile out;
    unsigned number = 0;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        out.parse_line(text.substr(0, end), ++number, path);
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return out;
}

void UsersFile::parse_line(std::string_view line, unsigned number, const std::string& path) {
    if (line.substr(0, removed_tag.size()) == removed_tag) {
        const auto fields = split(line, ':');
        const auto uid = parse_uint(fields.back());
        if (fields.size() == 3 && uid && *uid <= std::numeric_limits<uid_t>::max())
            removed_uids_.push_back(static_cast<uid_t>(*uid));
    }
    if (trim(line).empty() || line.front() == '#') return;
    const auto report = [&](std::string_view why) {
        UsersFileError error;
        error.line = number;
        error.name = ascii_lower(trim(split(line, ':')[0]));
        error.text = path + ":" + std::to_string(number) + ": " + std::string(why);
        errors_.push_back(std::move(error));
    };
    auto entry = parse_entry(line);
    if (!entry) return report(entry.error().text);
    const auto same = [&](const UserEntry& other) { return other.name == entry->name; };
    if (std::any_of(entries_.begin(), entries_.end(), same))
        return report("name: " + entry->name + " has a line above already; remove one of them");
    entries_.push_back(std::move(*entry));
}

Result<const UserEntry*> UsersFile::find(std::string_view name) const {
    for (const UsersFileError& error : errors_)
        if (error.name == name) return Error{Errc::corrupt, 0, error.text};
    for (const UserEntry& entry : entries_)
        if (entry.name == name) return &entry;
    return static_cast<const UserEntry*>(nullptr);
}

bool UsersFile::all_have_scram() const {
    const auto has = [](const UserEntry& entry) { return entry.scram.has_value(); };
    return errors_.empty() && !entries_.empty() && std::all_of(entries_.begin(), entries_.end(), has);
}

} // namespace posada::auth
