// SPDX-License-Identifier: BSD-2-Clause
// Changing the users file: under a lock, as a whole, and on stable storage before anybody sees it.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "common/auth/users_file.h"
#include "common/base/text.h"

namespace posada::auth {

namespace {

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// A symbolic link stays one: the file it points to is replaced.
std::string real_path(const std::string& path) {
    char* const resolved = ::realpath(path.c_str(), nullptr);
    if (resolved == nullptr) return path;
    std::string out(resolved);
    ::free(resolved);
    return out;
}

Result<UniqueFd> lock_file(const std::string& path) {
    const std::string name = path + ".lock";
    UniqueFd fd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return errno_error(name);
    constexpr timespec pause{0, 50'000'000};
    for (int tries = 0; tries < 200; ++tries) {
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
        if (errno != EWOULDBLOCK && errno != EINTR) return errno_error(name);
        ::nanosleep(&pause, nullptr);
    }
    return Error{Errc::busy, 0, name + ": another program has been changing the users for 10 seconds; try again"};
}

Status sync_directory(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid() || ::fsync(fd.get()) != 0) return errno_error(path);
    return {};
}

Status write_synced(const std::string& path, std::string_view text) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return errno_error(path);
    RETURN_IF_ERROR(write_all(fd.get(), text));
    if (::fsync(fd.get()) != 0) return errno_error(path);
    return fd.close();
}

} // namespace

Result<UsersFileEdit> UsersFileEdit::open(const std::string& path) {
    UsersFileEdit out;
    out.path_ = real_path(path);
    auto lock = lock_file(out.path_);
    if (!lock) return lock.error();
    out.lock_ = std::move(*lock);
    auto parsed = UsersFile::load(out.path_);
    if (!parsed) return parsed.error();
    if (!parsed->errors().empty())
        return Error{Errc::corrupt, 0, parsed->errors().front().text + " (correct this line by hand first)"};
    out.parsed_ = std::move(*parsed);
    auto text = read_file(out.path_, max_users_file);
    if (!text && text.error().code != Errc::not_found) return text.error();
    if (text && !text->empty()) {
        if (text->back() == '\n') text->pop_back();
        for (const std::string_view line : split(*text, '\n')) out.lines_.emplace_back(line);
    }
    return out;
}

Result<uid_t> UsersFileEdit::allocate_uid(uid_t first, uid_t last) const {
    uid_t next = first;
    const auto taken = [&](uid_t uid) {
        if (uid >= first && uid <= last) next = std::max(next, uid + 1);
    };
    for (const UserEntry& entry : parsed_.entries_) taken(entry.uid);
    for (const uid_t uid : parsed_.removed_uids_) taken(uid);
    if (next <= last) return next;
    return Error{Errc::limit, 0,
                 "all uids from " + std::to_string(first) + " to " + std::to_string(last) +
                     " were given to users; widen [auth] virtual_uids"};
}

Status UsersFileEdit::add(const UserEntry& entry) {
    const auto found = parsed_.find(entry.name);
    if (!found) return found.error();
    if (*found != nullptr) return Error{Errc::exists, 0, "user " + entry.name + " exists already"};
    const std::string line = entry.line();
    const UsersFile check = UsersFile::parse(line, "user " + entry.name);
    if (!check.errors().empty()) return Error{Errc::invalid, 0, check.errors().front().text};
    if (check.entries().size() != 1) return Error{Errc::invalid, 0, "not one line: user name"};
    lines_.push_back(line);
    parsed_.entries_.push_back(entry);
    return {};
}

Status UsersFileEdit::replace_line(std::string_view name, const std::string& with) {
    const std::string start = std::string(name).append(":");
    for (std::string& line : lines_) {
        if (line.compare(0, start.size(), start) != 0) continue;
        line = with;
        return {};
    }
    return Error{Errc::not_found, 0, "there is no user " + std::string(name)};
}

Result<UserEntry*> UsersFileEdit::entry_of(std::string_view name) {
    const auto found = parsed_.find(name);
    if (!found) return found.error();
    for (UserEntry& entry : parsed_.entries_)
        if (entry.name == name) return &entry;
    return Error{Errc::not_found, 0, "there is no user " + std::string(name)};
}

Status UsersFileEdit::set_password(std::string_view name, std::string hash, ScramVerifier verifier) {
    const auto entry = entry_of(name);
    if (!entry) return entry.error();
    (*entry)->hash = std::move(hash);
    (*entry)->scram = std::move(verifier);
    return replace_line(name, (*entry)->line());
}

Status UsersFileEdit::set_options(std::string_view name, const UserOptions& options) {
    const auto entry = entry_of(name);
    if (!entry) return entry.error();
    (*entry)->options = options;
    return replace_line(name, (*entry)->line());
}

Status UsersFileEdit::remove(std::string_view name) {
    const auto found = entry_of(name);
    if (!found) return found.error();
    const UserEntry entry = **found;
    const auto same = [&](const UserEntry& e) { return e.name == entry.name; };
    parsed_.entries_.erase(std::remove_if(parsed_.entries_.begin(), parsed_.entries_.end(), same),
                           parsed_.entries_.end());
    parsed_.removed_uids_.push_back(entry.uid);
    return replace_line(name, "#removed:" + entry.name + ":" + std::to_string(entry.uid));
}

Status UsersFileEdit::commit() {
    std::string text;
    for (const std::string& line : lines_) text.append(line).append("\n");
    const std::string temporary = path_ + ".new"; // the lock makes us its only writer
    if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) return errno_error(temporary);
    RETURN_IF_ERROR(write_synced(temporary, text));
    struct stat old {};
    const bool had_file = ::stat(path_.c_str(), &old) == 0;
    if (had_file && ::geteuid() == 0 && ::chown(temporary.c_str(), old.st_uid, old.st_gid) != 0)
        return errno_error(temporary);
    if (::rename(temporary.c_str(), path_.c_str()) != 0) return errno_error(path_);
    return sync_directory(directory_of(path_));
}

} // namespace posada::auth
