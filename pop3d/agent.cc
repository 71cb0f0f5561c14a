// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/agent.h"

#include <algorithm>

#include "common/base/heap.h"
#include "common/base/log.h"

namespace posada::pop3d {

namespace {

const Error no_such_message{Errc::protocol, 0, "no such message"};

void log_failure(std::string_view request, const std::string& maildir, const Error& error) {
    log(event::mailbox_error, {{"request", std::string(request)}, {"maildir", maildir}, {"error", error.describe()}});
}

} // namespace

int MailAgent::serve(priv::Channel channel) {
    return priv::agent_status(priv::serve_requests<AgentRequests>(channel, *this));
}

// Up to the first that cannot be opened; only when that is the first of all, it is a failure.
Result<priv::Answered<FileSizes>> MailAgent::on(const Fetch& request) {
    const std::size_t messages = mailbox_->messages().size();
    if (request.first >= messages || request.count == 0) return no_such_message;
    const std::size_t count = std::min<std::size_t>({request.count, fetch_batch, messages - request.first});
    priv::Answered<FileSizes> out;
    for (std::size_t i = request.first; i < request.first + count; ++i) {
        auto opened = mailbox_->open_message(i);
        if (!opened && out.fds.empty()) {
            log_failure("fetch", task_.maildir, opened.error());
            return opened.error();
        }
        if (!opened) break;
        out.body.sizes.push_back(opened->size);
        out.fds.push_back(std::move(opened->file));
    }
    return out;
}

Result<MailboxSummary> MailAgent::on(const OpenMailboxRequest&) {
    auto maildir = store::Maildir::open(task_.maildir, ops_);
    if (!maildir) return log_failure("open", task_.maildir, maildir.error()), maildir.error();
    maildir_.emplace(std::move(*maildir));
    auto lock = store::SessionLock::acquire(*maildir_, task_.lock_wait);
    if (!lock) return lock.error();
    lock_.emplace(std::move(*lock));
    auto mailbox = store::Mailbox::open(*maildir_, {task_.max_messages, task_.lock_wait});
    if (!mailbox) return log_failure("open", task_.maildir, mailbox.error()), mailbox.error();
    mailbox_.emplace(std::move(*mailbox));
    if (auto expired = expire(); !expired)
        return log_failure("expire", task_.maildir, expired.error()), expired.error();
    return MailboxSummary{static_cast<std::uint32_t>(mailbox_->messages().size()), mailbox_->uidvalidity(),
                          mailbox_->hidden()};
}

Status MailAgent::expire() {
    if (task_.expire == Millis(0)) return {};
    const UnixTime before = SystemClock().unix_now() - std::chrono::duration_cast<Seconds>(task_.expire).count();
    const auto expired = mailbox_->expire(before);
    if (!expired) return expired.error();
    if (*expired != 0) log(event::mailbox_expired, {{"messages", std::to_string(*expired)}});
    return {};
}

Result<priv::Answered<MessageList>> MailAgent::on(const List& request) {
    const auto& messages = mailbox_->messages();
    if (request.first >= messages.size()) return no_such_message;
    priv::Answered<MessageList> out;
    out.afterwards = &give_back_heap; // what reading the mailbox took
    std::size_t octets = 0;
    for (std::size_t i = request.first; i < messages.size(); ++i) {
        ListedMessage message{messages[i].octets, messages[i].uid, std::string(mailbox_->own_uidl(i))};
        octets += to_bytes(message).size();
        if (octets > list_octets) break;
        out.body.messages.push_back(std::move(message));
    }
    return out;
}

// What cannot be removed does not keep the rest from being removed; the session hears of it.
Status MailAgent::on(const Remove& request) {
    Status all;
    for (const std::uint32_t n : request.numbers) {
        if (n >= mailbox_->messages().size()) return no_such_message;
        auto removed = mailbox_->remove(n);
        if (removed) continue;
        log_failure("remove", task_.maildir, removed.error());
        all = std::move(removed);
    }
    return all;
}

// A flag that is not set harms nobody: it is logged, and the session goes on.
Status MailAgent::on(const MarkSeen& request) {
    Status first_failure;
    for (const std::uint32_t n : request.numbers) {
        if (n >= mailbox_->messages().size()) return no_such_message;
        auto marked = mailbox_->add_flags(n, "S");
        if (!marked && first_failure) first_failure = std::move(marked);
    }
    if (!first_failure) log_failure("mark_seen", task_.maildir, first_failure.error());
    return {};
}

Status MailAgent::on(const Commit&) {
    auto synced = mailbox_->sync();
    if (!synced) log_failure("commit", task_.maildir, synced.error());
    return synced;
}

} // namespace posada::pop3d
