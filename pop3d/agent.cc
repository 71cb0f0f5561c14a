// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/agent.h"

#include <algorithm>

#include "common/base/heap.h"
#include "common/base/log.h"

namespace posada::pop3d {

namespace {

void log_failure(std::string_view request, const std::string& maildir, const Error& error) {
    log(event::mailbox_error, {{"request", std::string(request)}, {"maildir", maildir}, {"error", error.describe()}});
}

} // namespace

int MailAgent::serve(priv::Channel channel) {
    const Status served =
        priv::serve_requests(channel, agent_requests, [this](priv::RequestGate& gate, const priv::Message& message) {
            return handle(gate, message);
        });
    return priv::agent_status(served);
}

priv::Answer MailAgent::handle(priv::RequestGate& gate, const priv::Message& message) {
    if (message.type == open_mailbox_request) return {priv::verdict(open_mailbox(gate)), {}};
    if (message.type == remove_request) return {priv::verdict(remove(message.payload)), {}};
    if (message.type == mark_seen_request) return {priv::verdict(mark_seen(message.payload)), {}};
    if (message.type == commit_request) return {priv::verdict(commit()), {}};
    if (message.type == fetch_request) return fetch(message.payload);
    const auto number = decode_number(message.payload);
    const std::size_t count = mailbox_->messages().size();
    if (!number || *number >= count) return {priv::encode_failure({Errc::protocol, 0, "no such message"}), {}};
    return {priv::verdict(list(*number)), {}, &give_back_heap}; // what reading the mailbox took
}

// Up to the first that cannot be opened; only when that is the first of all, it is a failure.
priv::Answer MailAgent::fetch(std::string_view payload) {
    const auto range = decode_fetch_range(payload);
    const std::size_t messages = mailbox_->messages().size();
    if (!range || range->first >= messages || range->count == 0)
        return {priv::encode_failure({Errc::protocol, 0, "no such message"}), {}};
    const std::size_t count = std::min<std::size_t>({range->count, fetch_batch, messages - range->first});
    priv::Answer out;
    std::vector<std::uint64_t> sizes;
    for (std::size_t i = range->first; i < range->first + count; ++i) {
        auto opened = mailbox_->open_message(i);
        if (!opened && out.fds.empty()) {
            log_failure("fetch", task_.maildir, opened.error());
            return {priv::encode_failure(opened.error()), {}};
        }
        if (!opened) break;
        sizes.push_back(opened->size);
        out.fds.push_back(std::move(opened->file));
    }
    out.payload = priv::encode_ok(encode_sizes(sizes));
    return out;
}

Result<std::string> MailAgent::open_mailbox(priv::RequestGate& gate) {
    auto maildir = store::Maildir::open(task_.maildir);
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
    gate.set_phase(priv::after_login);
    return encode(MailboxSummary{static_cast<std::uint32_t>(mailbox_->messages().size()), mailbox_->uidvalidity(),
                                 mailbox_->hidden()});
}

Status MailAgent::expire() {
    if (task_.expire == Millis(0)) return {};
    const UnixTime before = SystemClock().unix_now() - std::chrono::duration_cast<Seconds>(task_.expire).count();
    const auto expired = mailbox_->expire(before);
    if (!expired) return expired.error();
    if (*expired != 0) log(event::mailbox_opened, {{"expired", std::to_string(*expired)}});
    return {};
}

Result<std::string> MailAgent::list(std::uint32_t first) {
    ListBatch batch;
    const auto& messages = mailbox_->messages();
    for (std::size_t i = first; i < messages.size(); ++i)
        if (!batch.add(messages[i].octets, messages[i].uid, mailbox_->own_uidl(i))) break;
    return batch.take();
}

// What cannot be removed does not keep the rest from being removed; the session hears of it.
Result<std::string> MailAgent::remove(std::string_view payload) {
    const auto numbers = decode_numbers(payload);
    if (!numbers) return numbers.error();
    Status all;
    for (const std::uint32_t n : *numbers) {
        if (n >= mailbox_->messages().size()) return Error{Errc::protocol, 0, "no such message"};
        auto removed = mailbox_->remove(n);
        if (removed) continue;
        log_failure("remove", task_.maildir, removed.error());
        all = std::move(removed);
    }
    if (!all) return all.error();
    return std::string();
}

// A flag that is not set harms nobody: it is logged, and the session goes on.
Result<std::string> MailAgent::mark_seen(std::string_view payload) {
    const auto numbers = decode_numbers(payload);
    if (!numbers) return numbers.error();
    Status first_failure;
    for (const std::uint32_t n : *numbers) {
        if (n >= mailbox_->messages().size()) return Error{Errc::protocol, 0, "no such message"};
        auto marked = mailbox_->add_flags(n, "S");
        if (!marked && first_failure) first_failure = std::move(marked);
    }
    if (!first_failure) log_failure("mark_seen", task_.maildir, first_failure.error());
    return std::string();
}

Result<std::string> MailAgent::commit() {
    auto synced = mailbox_->sync();
    if (!synced) return log_failure("commit", task_.maildir, synced.error()), synced.error();
    return std::string();
}

} // namespace posada::pop3d
