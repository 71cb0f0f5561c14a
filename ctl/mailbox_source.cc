// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/mailbox_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/text.h"
#include "common/store/mailbox.h"
#include "common/store/uidlist.h"

namespace posada::ctl {

namespace {

constexpr Millis lock_pause{100};
constexpr int lock_tries = 100; // 10 s
using Chunk = std::array<char, 64 * 1024>;

bool same(const struct stat& a, const struct stat& b) {
    return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// Whoever writes the file the Debian way holds an fcntl lock.
Status read_lock(int fd, const std::string& path) {
    struct flock lock {};
    for (int i = 0; i < lock_tries; ++i) {
        lock = {};
        lock.l_type = F_RDLCK;
        lock.l_whence = SEEK_SET;
        if (::fcntl(fd, F_SETLK, &lock) == 0) return {};
        if (errno == ENOLCK || errno == EINVAL) return {}; // a file system without locks
        std::this_thread::sleep_for(lock_pause);
    }
    lock.l_type = F_RDLCK;
    const bool known = ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0;
    return Error{Errc::busy, 0,
                 path + " is being changed" + (known ? " by process " + std::to_string(lock.l_pid) : "")};
}

// True: made. A directory that does not let us has no dotlocks for us.
Result<bool> make_dotlock(const std::string& name, const std::string& path) {
    for (int i = 0; i < lock_tries; ++i) {
        const UniqueFd made(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (made.valid()) return true;
        if (errno != EEXIST) return false;
        std::this_thread::sleep_for(lock_pause);
    }
    return Error{Errc::busy, 0, path + " is being changed: " + name + " exists; if no program uses it, remove that"};
}

// Reads all of fd into take, which says whether it wants more.
template <class Take>
Status read_chunks(int fd, Take&& take) {
    static Chunk chunk;
    for (;;) {
        const ssize_t n = ::read(fd, chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("read");
        if (n == 0 || !take(std::string_view(chunk.data(), static_cast<std::size_t>(n)))) return {};
    }
}

std::optional<std::string> look(int fd, std::uint64_t offset) {
    struct stat st {};
    if (::fstat(fd, &st) != 0 || offset > static_cast<std::uint64_t>(st.st_size)) return std::nullopt;
    std::string out(store::max_from_line, '\0');
    const ssize_t n = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0) return std::nullopt;
    out.resize(static_cast<std::size_t>(n));
    return out;
}

struct SourceMessage {
    std::string name;
    store::Folder folder = store::Folder::fresh;
    std::uint32_t uid = 0; // 0 = none yet: behind those that have one
    std::string uidl;
};

// In the order of the source's UIDs.
Result<std::vector<SourceMessage>> messages_of(const store::Maildir& maildir) {
    auto list = store::Uidlist::load(maildir);
    if (!list) return list.error();
    std::vector<SourceMessage> out;
    for (const store::Folder f : {store::Folder::fresh, store::Folder::cur}) {
        auto files = store::list_files(maildir.folder(f), store::folder_name(f));
        if (!files) return files.error();
        for (std::string& file : *files) out.push_back({std::move(file), f, 0, ""});
    }
    const auto base = [](std::string_view name) { return name.substr(0, name.find(':')); };
    std::sort(out.begin(), out.end(), [&](const auto& a, const auto& b) { return base(a.name) < base(b.name); });
    for (const store::UidEntry& entry : list->entries()) {
        const auto at = std::lower_bound(out.begin(), out.end(), entry.base(),
                                         [&](const auto& m, std::string_view name) { return base(m.name) < name; });
        if (at == out.end() || base(at->name) != entry.base()) continue;
        at->uid = entry.uid;
        at->uidl = store::uidlist_field(entry.fields, 'P').value_or("");
        if (at->uidl.empty()) store::append_uidl(at->uidl, entry.uid, list->uidvalidity());
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.uid - 1 < b.uid - 1; });
    return out;
}

store::MboxStatus status_of(const SourceMessage& message, const store::Keywords& keywords) {
    store::MboxStatus out;
    out.seen_before = message.folder == store::Folder::cur;
    out.uidl = message.uidl;
    const std::size_t info = message.name.find(":2,");
    if (info == std::string::npos) return out;
    for (const char c : std::string_view(message.name).substr(info + 3)) {
        if (std::string_view("DFPRST").find(c) != std::string_view::npos) out.flags += c;
        if (const auto keyword = keywords.name(c); !keyword.empty()) out.keywords.emplace_back(keyword);
    }
    return out;
}

} // namespace

MailSource::MailSource(MailSource&& other) noexcept
    : file_(std::move(other.file_)), before_(other.before_), dotlock_(std::exchange(other.dotlock_, {})),
      maildir_(std::move(other.maildir_)) {}

MailSource::~MailSource() {
    if (!dotlock_.empty()) ::unlink(dotlock_.c_str());
}

Result<MailSource> MailSource::open(const std::string& path) {
    MailSource out;
    struct stat st {};
    if (path != "-" && ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) {
        auto maildir = store::Maildir::open(path);
        if (!maildir) return Error{maildir.error().code, 0, path + " is no Maildir: " + maildir.error().describe()};
        out.maildir_ = std::move(*maildir);
    } else {
        RETURN_IF_ERROR(out.open_mbox(path));
    }
    return out;
}

Status MailSource::open_mbox(const std::string& path) {
    if (path == "-") {
        file_.reset(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    } else {
        file_.reset(::open(path.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC));
    }
    if (!file_.valid() && errno == EACCES)
        return Error{Errc::denied, EACCES, path + ": its user may not read it; root gives it as -, with < " + path};
    if (!file_.valid()) return errno_error(path);
    if (::fstat(file_.get(), &before_) != 0) return errno_error(path);
    if (!S_ISREG(before_.st_mode)) return {};
    RETURN_IF_ERROR(lock(path));
    return ::fstat(file_.get(), &before_) == 0 ? Status() : errno_error(path);
}

// The order of Debian's policy: fcntl, then dotlock.
Status MailSource::lock(const std::string& path) {
    RETURN_IF_ERROR(read_lock(file_.get(), path));
    if (path == "-") return {};
    const auto made = make_dotlock(path + ".lock", path);
    if (!made) return made.error();
    if (*made) dotlock_ = path + ".lock";
    return {};
}

Status MailSource::read(store::MailImport& sink, store::MboxQuoting quoting) {
    return maildir_ ? read_maildir(sink) : read_mbox(sink, quoting);
}

Status MailSource::read_mbox(store::MailImport& sink, store::MboxQuoting quoting) const {
    const bool is_file = S_ISREG(before_.st_mode);
    const off_t at = is_file ? ::lseek(file_.get(), 0, SEEK_CUR) : 0;
    const auto probe = [&](std::uint64_t offset) { return look(file_.get(), static_cast<std::uint64_t>(at) + offset); };
    store::MboxReader reader(sink, quoting, is_file && at >= 0 ? store::MboxReader::Probe(probe) : nullptr);
    Status fed;
    RETURN_IF_ERROR(read_chunks(file_.get(), [&](std::string_view bytes) {
        fed = reader.feed(bytes);
        return fed.ok() && sink.status().ok();
    }));
    RETURN_IF_ERROR(std::move(fed));
    RETURN_IF_ERROR(reader.finish());
    struct stat now {};
    if (!is_file || (::fstat(file_.get(), &now) == 0 && same(now, before_))) return {};
    return Error{Errc::busy, 0, "the mbox was changed while it was read: run the import again"};
}

Status MailSource::read_maildir(store::MailImport& sink) const {
    const auto messages = messages_of(*maildir_);
    if (!messages) return messages.error();
    const auto keywords = store::Keywords::load(*maildir_);
    if (!keywords) return keywords.error();
    for (const SourceMessage& message : *messages) {
        const auto opened = store::open_message_file(maildir_->folder(message.folder), message.name);
        if (!opened && opened.error().code == Errc::not_found)
            return Error{Errc::busy, 0, message.name + " was moved while it was to be read: run the import again"};
        if (!opened) return opened.error();
        sink.begin({"", opened->modified, 0});
        RETURN_IF_ERROR(read_chunks(opened->file.get(), [&](std::string_view bytes) {
            sink.content(bytes);
            return sink.status().ok();
        }));
        sink.end(status_of(message, *keywords));
        if (!sink.status()) return {};
    }
    return {};
}

} // namespace posada::ctl
