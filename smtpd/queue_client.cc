// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/queue_client.h"

namespace posada::smtpd {

QueueClient::QueueClient(io::Loop& loop, UniqueFd channel, std::function<void()> on_closed)
    : client_(loop, std::move(channel), 0, std::move(on_closed)) {}

static Result<std::string> queue_id_of(Result<service::Reply> reply) {
    if (!reply) return reply.error();
    Reader r(reply->body);
    std::string queue_id(r.str());
    RETURN_IF_ERROR(r.finish());
    return queue_id;
}

void QueueClient::watch_spaces(OnSpaces on_spaces) {
    on_spaces_ = std::move(on_spaces);
    ask_spaces(0);
}

void QueueClient::ask_spaces(std::uint64_t known) {
    Writer w;
    w.u64(known);
    client_.request(queue_spaces, 0, w.bytes(), [this](const Result<service::Reply>& reply) {
        const Result<std::uint64_t> version = reply ? on_spaces_(reply->body) : reply.error();
        if (version) ask_spaces(*version);
    });
}

// Only the last answer matters: whatever fails earlier makes the queue refuse the submit, with the same reason.
void QueueClient::submit(std::uint64_t session, const Envelope& envelope, std::vector<UniqueFd> parts,
                         OnQueued on_queued) {
    if (client_.closed()) return on_queued(Error{Errc::closed, 0, "the queue is gone"});
    if (parts.empty()) return on_queued(Error{Errc::invalid, 0, "a message without a descriptor"});
    const auto ignore = [](const Result<service::Reply>&) {};
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        const int fd = parts[i].get();
        client_.request(queue_submit_part, session, {}, ignore, {&fd, 1});
    }
    const EnvelopePackets packets = encode_envelope(envelope);
    for (const std::string& recipients : packets.recipients)
        client_.request(queue_submit_rcpt, session, recipients, ignore);
    const int last = parts.back().get();
    client_.request(
        queue_submit, session, packets.submit,
        [on_queued = std::move(on_queued)](Result<service::Reply> reply) { on_queued(queue_id_of(std::move(reply))); },
        {&last, 1});
}

} // namespace posada::smtpd
