// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/mailbox.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/store/maildir_name.h"
#include "common/store/quota.h"
#include "common/store/uidlist_format.h"

namespace posada::store {

namespace {
constexpr std::size_t worth_no_copy = 4096; // messages: malloc gives that many a mapping of their own
constexpr int renames_followed = 3;         // per access, before a message counts as gone
} // namespace

// O_NONBLOCK: opening a FIFO that somebody put there must not hang; it is refused a line later.
Result<MessageFile> open_message_file(int directory, const std::string& name) {
    UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid()) return errno_error(name);
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return errno_error(name);
    if (!S_ISREG(st.st_mode)) return Error{Errc::invalid, 0, name + " is not a regular file"};
    return MessageFile{std::move(fd), static_cast<std::uint64_t>(st.st_size), st.st_mtim.tv_sec};
}

std::string_view Mailbox::name(std::size_t index) const {
    return scan_.text().substr(messages_[index].name_at, messages_[index].name_size);
}

std::string_view Mailbox::own_uidl(std::size_t index) const {
    const auto before = [](const auto& own, std::size_t n) { return own.first < n; };
    const auto own = std::lower_bound(own_uidls_.begin(), own_uidls_.end(), index, before);
    return own != own_uidls_.end() && own->first == index ? std::string_view(own->second) : std::string_view();
}

std::string Mailbox::uidl(std::size_t index) const {
    std::string out(own_uidl(index));
    if (out.empty()) append_uidl(out, messages_[index].uid, uidvalidity_);
    return out;
}

// What opening took is free by now: copied, what stays moves there, and the heap's end can go back to the kernel.
void Mailbox::pack() {
    scan_.forget_files();
    if (messages_.size() < worth_no_copy) messages_ = std::vector<StoredMessage>(messages_);
}

// Looks for all messages at once: a program that moves one usually moves many.
Status Mailbox::find_again() {
    MailboxScan now;
    for (int round = 0; round < renames_followed && !now.settled(); ++round) RETURN_IF_ERROR(now.read(*maildir_));
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        StoredMessage& message = messages_[i];
        const auto found = now.find(name(i).substr(0, message.base_size));
        message.gone = !found;
        if (!found) continue;
        const ScannedFile& file = now.files()[*found];
        message.folder = file.folder;
        if (now.name(file) != name(i)) {
            message.name_at = scan_.keep(now.name(file));
            message.name_size = file.name_size;
        }
    }
    return {};
}

Result<MessageFile> Mailbox::open_message(std::size_t index) {
    const StoredMessage& message = messages_[index];
    for (int attempt = 0; !message.gone; ++attempt) {
        auto opened = open_message_file(maildir_->folder(message.folder), std::string(name(index)));
        if (opened || opened.error().code != Errc::not_found || attempt == renames_followed) return opened;
        RETURN_IF_ERROR(find_again());
    }
    return Error{Errc::not_found, 0, std::string(name(index)) + " was removed by another program"};
}

Status Mailbox::remove(std::size_t index) {
    StoredMessage& message = messages_[index];
    for (int attempt = 0; !message.gone; ++attempt) {
        const std::string file(name(index));
        const std::uint64_t stored = stored_octets(maildir_->folder(message.folder), file);
        if (maildir_->ops().unlink_at(maildir_->folder(message.folder), file.c_str(), 0) == 0) {
            changed_[static_cast<std::size_t>(message.folder)] = true;
            message.gone = true;
            removed_octets_ += static_cast<std::int64_t>(stored);
            ++removed_;
        } else if (errno != ENOENT || attempt == renames_followed) {
            return errno_error("unlink " + file);
        } else {
            RETURN_IF_ERROR(find_again());
        }
    }
    return {};
}

Status Mailbox::add_flags(std::size_t index, std::string_view flags) {
    StoredMessage& message = messages_[index];
    for (int attempt = 0; !message.gone; ++attempt) {
        const std::string from(name(index));
        const std::string to = with_flags(from, flags);
        if (message.folder == Folder::cur && from == to) return {};
        if (maildir_->ops().rename_at(maildir_->folder(message.folder), from.c_str(), maildir_->folder(Folder::cur),
                                      to.c_str()) == 0) {
            message.folder = Folder::cur;
            message.name_at = scan_.keep(to);
            message.name_size = static_cast<std::uint16_t>(to.size());
            return {};
        }
        if (errno != ENOENT || attempt == renames_followed) return errno_error("rename to cur/" + to);
        RETURN_IF_ERROR(find_again());
    }
    return {};
}

// The name alone may be anything: a mailbox made by another program can start at 1.
bool Mailbox::arrived_before(std::size_t index, UnixTime time) const {
    struct stat st {};
    if (parse_maildir_name(name(index)).time >= static_cast<std::uint64_t>(time)) return false;
    const int folder = maildir_->folder(messages_[index].folder);
    return ::fstatat(folder, std::string(name(index)).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_mtim.tv_sec < time;
}

Result<std::size_t> Mailbox::expire(UnixTime before) {
    std::size_t removed = 0;
    if (before <= 0) return removed;
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        if (!arrived_before(i, before)) continue;
        RETURN_IF_ERROR(remove(i));
        ++removed;
    }
    if (removed == 0) return removed;
    drop_gone();
    RETURN_IF_ERROR(sync());
    return removed;
}

void Mailbox::drop_gone() {
    std::vector<std::pair<std::uint32_t, std::string>> own;
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < messages_.size(); ++i) {
        if (messages_[i].gone) continue;
        if (const std::string_view uidl = own_uidl(i); !uidl.empty()) own.emplace_back(kept, uidl);
        messages_[kept++] = messages_[i];
    }
    messages_.resize(kept);
    own_uidls_ = std::move(own);
}

Status Mailbox::sync() {
    if (removed_ != 0) note_quota_change(*maildir_, -removed_octets_, -removed_);
    removed_octets_ = removed_ = 0;
    for (const Folder f : {Folder::fresh, Folder::cur}) {
        bool& changed = changed_[static_cast<std::size_t>(f)];
        if (!changed) continue;
        RETURN_IF_ERROR(sync_file(maildir_->ops(), maildir_->folder(f), folder_name(f)));
        changed = false;
    }
    return {};
}

} // namespace posada::store
