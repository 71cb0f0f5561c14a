// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/mailbox.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>
#include <unordered_map>

#include "common/base/log.h"
#include "common/store/maildir_name.h"
#include "common/store/message_measure.h"

namespace posada::store {

namespace {

constexpr int renames_followed = 3; // per access, before a message counts as gone

// O_NONBLOCK: opening a FIFO that somebody put there must not hang; it is refused a line later.
Result<UniqueFd> open_regular(int directory, const std::string& name) {
    UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid()) return errno_error(name);
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return errno_error(name);
    if (!S_ISREG(st.st_mode)) return Error{Errc::invalid, 0, name + " is not a regular file"};
    return fd;
}

Result<MessageMeasure> measure_file(int fd) {
    static char chunk[64 * 1024]; // agents are single-threaded; not worth 64 KiB of every stack
    MessageMeasure measure;
    for (;;) {
        const ssize_t n = ::read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("read");
        if (n == 0) return measure;
        measure.add({chunk, static_cast<std::size_t>(n)});
    }
}

} // namespace

Result<Mailbox> Mailbox::open(const Maildir& maildir, std::size_t max_messages) {
    Mailbox out(maildir);
    auto found = scan_messages(maildir);
    if (!found) return found.error();
    out.messages_ = std::move(*found);
    if (out.messages_.size() > max_messages) {
        out.hidden_ = out.messages_.size() - max_messages;
        out.messages_.resize(max_messages);
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < out.messages_.size(); ++i) {
        if (!out.measure(i)) continue;
        out.octets_ += out.messages_[i].octets;
        if (kept != i) out.messages_[kept] = std::move(out.messages_[i]);
        ++kept;
    }
    out.messages_.resize(kept);
    return out;
}

// False: it cannot be read and so does not count.
bool Mailbox::measure(std::size_t index) {
    StoredMessage& message = messages_[index];
    if (const auto told = parse_maildir_name(message.name).crlf_size) {
        message.octets = *told;
        return true;
    }
    const auto fd = open_message(index);
    const auto measured = fd ? measure_file(fd->get()) : Result<MessageMeasure>(fd.error());
    if (measured) {
        message.octets = measured->sent();
    } else if (!message.gone) {
        log(event::mailbox_error, {{"name", message.name}, {"error", measured.error().describe()}});
    }
    return measured.ok();
}

std::string Mailbox::uidl(std::size_t index) const { return uidl_of(parse_maildir_name(messages_[index].name).base); }

// Looks for all messages at once: a program that moves one usually moves many.
Status Mailbox::find_again() {
    const auto found = scan_messages(*maildir_);
    if (!found) return found.error();
    std::unordered_map<std::string_view, const StoredMessage*> by_base;
    for (const StoredMessage& message : *found) by_base[parse_maildir_name(message.name).base] = &message;
    for (StoredMessage& message : messages_) {
        const auto now = by_base.find(parse_maildir_name(message.name).base);
        message.gone = now == by_base.end();
        if (message.gone) continue;
        message.folder = now->second->folder;
        message.name = now->second->name;
    }
    return {};
}

Result<UniqueFd> Mailbox::open_message(std::size_t index) {
    StoredMessage& message = messages_[index];
    for (int attempt = 0; !message.gone; ++attempt) {
        auto fd = open_regular(maildir_->folder(message.folder), message.name);
        if (fd || fd.error().code != Errc::not_found || attempt == renames_followed) return fd;
        RETURN_IF_ERROR(find_again());
    }
    return Error{Errc::not_found, 0, message.name + " was removed by another program"};
}

Status Mailbox::remove(std::size_t index) {
    StoredMessage& message = messages_[index];
    for (int attempt = 0; !message.gone; ++attempt) {
        if (maildir_->ops().unlink_at(maildir_->folder(message.folder), message.name.c_str(), 0) == 0) {
            changed_[static_cast<std::size_t>(message.folder)] = true;
            message.gone = true;
        } else if (errno != ENOENT || attempt == renames_followed) {
            return errno_error("unlink " + message.name);
        } else {
            RETURN_IF_ERROR(find_again());
        }
    }
    return {};
}

Status Mailbox::sync() {
    for (const Folder f : {Folder::fresh, Folder::cur}) {
        bool& changed = changed_[static_cast<std::size_t>(f)];
        if (!changed) continue;
        RETURN_IF_ERROR(sync_file(maildir_->ops(), maildir_->folder(f), folder_name(f)));
        changed = false;
    }
    return {};
}

} // namespace posada::store
