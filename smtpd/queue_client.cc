// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/queue_client.h"

namespace posada::smtpd {

QueueClient::QueueClient(io::Loop& loop, UniqueFd channel, std::function<void()> on_closed)
    : client_(loop, std::move(channel), 0, std::move(on_closed)) {}

void QueueClient::watch_spaces(OnSpaces on_spaces) {
    on_spaces_ = std::move(on_spaces);
    ask_spaces(0);
}

void QueueClient::ask_spaces(std::uint64_t known) {
    client_.ask(0, WatchSpaces{known}, [this](Result<priv::Answered<Spaces>> answer) {
        if (!answer) return;
        const std::uint64_t version = answer->body.version;
        on_spaces_(std::move(answer->body));
        ask_spaces(version);
    });
}

// Only the last answer matters: whatever fails earlier makes the queue refuse the submit, with the same reason.
void QueueClient::submit(std::uint64_t session, Envelope envelope, std::vector<UniqueFd> parts, OnQueued on_queued) {
    if (client_.closed()) return on_queued(Error{Errc::closed, 0, "the queue is gone"});
    if (parts.empty()) return on_queued(Error{Errc::invalid, 0, "a message without a descriptor"});
    const auto ignore = [](const auto&) {};
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        const int fd = parts[i].get();
        client_.ask(session, SubmitPart{}, ignore, {&fd, 1});
    }
    const EnvelopePackets packets = packets_of(std::move(envelope));
    for (const SubmitRecipients& more : packets.more) client_.ask(session, more, ignore);
    const int last = parts.back().get();
    client_.ask(session, packets.submit,
                [on_queued = std::move(on_queued)](Result<priv::Answered<QueueId>> answer) {
                    on_queued(answer ? Result<std::string>(std::move(answer->body.queue_id)) : answer.error());
                },
                {&last, 1});
}

} // namespace posada::smtpd
