// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/conn.h"

#include <algorithm>

#include "common/base/log.h"

namespace posada::smtpd {

namespace {

constexpr int data_patience = 6; // data_timeouts for a whole message, however it trickles

Peer peer_of(const service::Accepted& accepted, const Mailroom& room, bool tls_available, bool private_enough) {
    Peer peer;
    peer.ip = accepted.peer.ip();
    peer.literal = accepted.peer.smtp_literal();
    peer.session = accepted.id;
    peer.auth = accepted.listener.auth;
    peer.may_relay = io::contains(room.options().relay_networks, accepted.peer);
    peer.repair_line_ends = accepted.listener.trusted;
    peer.typed = accepted.peer.is_private();
    peer.tls_available = tls_available;
    peer.plaintext_auth = private_enough;
    return peer;
}

Envelope envelope_of(const SubmitMessage& message, const service::Accepted& accepted, UnixTime now,
                     std::uint64_t size) {
    Envelope out;
    out.sender = message.mail.sender.text();
    for (const auto& recipient : message.mail.recipients)
        out.recipients.push_back(
            {recipient.mailbox.text(), recipient.local ? RecipientKind::local : RecipientKind::route});
    out.body_8bit = message.mail.body_8bit;
    out.client_ip = accepted.peer.ip();
    out.client_name = message.helo;
    out.auth_user = message.login;
    out.received = now;
    out.size = size;
    return out;
}

QueueVerdict verdict_of(const Error& error) {
    if (error.code == Errc::no_space || error.code == Errc::limit) return QueueVerdict::no_space;
    return error.code == Errc::invalid ? QueueVerdict::invalid : QueueVerdict::temporary;
}

} // namespace

Conn::Conn(service::NetContext& context, std::unique_ptr<Mailroom>& room, service::Accepted accepted,
           std::function<void()> finished)
    : SessionDriver(context, room->policy(), std::move(accepted), 0, std::move(finished)), room_(*room),
      body_(room_.memory()), greeting_timer_(context.loop, [this] { say_greeting(); }) {}

void Conn::on_peer() {
    session().set_peer(peer_of(accepted(), room_, tls_available(), private_enough()));
    set_deadline(room_.options().command_timeout);
}

Conn::~Conn() { room_.forget(accepted().id); }

// At least one turn of the loop later: what the client has sent by then was sent without waiting for us.
void Conn::greet() {
    if (stream().tls_active()) session().tls_started(tls_facts());
    greeting_timer_.start(room_.options().greeting_delay);
}

void Conn::say_greeting() {
    if (closing()) return;
    greeted_ = true;
    session().greet(!stream().input().empty());
    run();
}

void Conn::on_tls() {
    session().tls_started(tls_facts());
    run();
}

TlsFacts Conn::tls_facts() {
    const io::TlsInfo info = stream().tls_info();
    return {info.version + " " + info.cipher, room_.channel_binding() ? stream().tls_exporter() : std::string()};
}

// A command has command_timeout, whatever trickles in meanwhile.
std::optional<Millis> Conn::patience() {
    if (session().in_data()) return std::nullopt;
    return room_.options().command_timeout;
}

// Data have data_timeout for each part and six of them for all.
void Conn::settled() {
    if (closing() || !session().in_data()) {
        in_data_ = false;
        return;
    }
    const Millis each = room_.options().data_timeout;
    const Instant now = context().loop.clock().now();
    if (!std::exchange(in_data_, true)) data_began_ = now;
    set_deadline(std::max(Millis(1), std::min(each, data_began_ + data_patience * each - now)));
}

void Conn::on_end() {
    room_.forget(accepted().id);
    body_.drop();
}

// ---- effects

void Conn::perform(const Effect& effect) {
    std::visit([this](const auto& e) { act(e); }, effect);
}

void Conn::act(const LookupRecipient& effect) {
    const auto verdict_of = [this](const LookupRecipient& asked, const Result<bool>& exists) {
        if (!exists) return RecipientVerdict::temporary;
        if (!*exists) return RecipientVerdict::unknown;
        switch (room_.spaces().ask(asked.mailbox.local, asked.declared_size, context().loop.clock().now())) {
        case KnownSpaces::Verdict::room: break;
        case KnownSpaces::Verdict::full: return RecipientVerdict::full;
        case KnownSpaces::Verdict::full_for_good: return RecipientVerdict::full_for_good;
        }
        return RecipientVerdict::exists;
    };
    room_.lookups().ask(accepted().id, effect.mailbox.local, [this, effect, verdict_of](const Result<bool>& exists) {
        session().recipient_answer(verdict_of(effect, exists));
        run();
    });
}

void Conn::act(const ReserveSpace& effect) {
    const std::uint64_t size = std::max<std::uint64_t>(effect.declared_size, 1);
    room_.when_queue(accepted().id, [this, size](bool there) {
        const bool room = room_.memory().has_room(size);
        session().space_answer(!there ? SpaceVerdict::no_queue : room ? SpaceVerdict::granted : SpaceVerdict::no_space);
        run();
    });
}

void Conn::act(const BodyChunk& effect) {
    const Status written = body_.write(effect.owned.empty() ? effect.text : std::string_view(effect.owned));
    if (written) return;
    if (written.error().code != Errc::no_space)
        log(event::queue_error, {{"session", std::to_string(accepted().id)}, {"error", written.error().describe()}});
    session().space_exhausted();
}

void Conn::act(const DropBody&) { body_.drop(); }

// With several recipients the delivery decides for each.
QueueVerdict Conn::room_for(const SubmitMessage& effect) {
    const auto& recipients = effect.mail.recipients;
    if (recipients.size() != 1 || !recipients.front().local) return QueueVerdict::stored;
    const auto verdict =
        room_.spaces().ask(recipients.front().mailbox.local, body_.size(), context().loop.clock().now());
    if (verdict == KnownSpaces::Verdict::room) return QueueVerdict::stored;
    return verdict == KnownSpaces::Verdict::full ? QueueVerdict::full : QueueVerdict::full_for_good;
}

void Conn::act(const SubmitMessage& effect) {
    if (const QueueVerdict verdict = room_for(effect); verdict != QueueVerdict::stored) {
        body_.drop();
        session().queue_answer(verdict, "");
        return run();
    }
    for (const auto& recipient : effect.mail.recipients)
        if (recipient.local) room_.spaces().accepted(recipient.mailbox.local, body_.size());
    const Envelope envelope = envelope_of(effect, accepted(), context().loop.clock().unix_now(), body_.size());
    auto parts = body_.finish();
    const auto on_queued = [this](const Result<std::string>& queue_id) {
        body_.drop();
        if (!queue_id)
            log(event::queue_error,
                {{"session", std::to_string(accepted().id)}, {"error", queue_id.error().describe()}});
        session().queue_answer(queue_id ? QueueVerdict::stored : verdict_of(queue_id.error()),
                               queue_id ? *queue_id : "");
        run();
    };
    if (!parts) return on_queued(parts.error());
    room_.submit(accepted().id, envelope, std::move(*parts), on_queued);
}

} // namespace posada::smtpd
