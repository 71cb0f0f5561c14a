// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/conn.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/service/login_protocol.h"

namespace posada::smtpd {

namespace {

constexpr std::size_t max_pending_output = 64 * 1024; // a client that does not read its replies gets no more of them
constexpr int data_patience = 6;                      // data_timeouts for a whole message, however it trickles

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
    : Connection(context, std::move(accepted), 0, std::move(finished)), room_(*room), session_(room_.policy()),
      body_(room_.memory()), greeting_timer_(context.loop, [this] { say_greeting(); }) {}

void Conn::on_peer() {
    session_.set_peer(peer_of(accepted(), room_, tls_available(), private_enough()));
    stream().set_deadline(room_.options().command_timeout);
}

Conn::~Conn() { room_.forget(accepted().id); }

// At least one turn of the loop later: what the client has sent by then was sent without waiting for us.
void Conn::greet() {
    if (stream().tls_active()) session_.tls_started(tls_facts());
    greeting_timer_.start(room_.options().greeting_delay);
}

void Conn::say_greeting() {
    context().serving(accepted().id);
    if (closing()) return;
    greeted_ = true;
    session_.greet(!stream().input().empty());
    perform();
    arm_deadline();
}

void Conn::on_tls() {
    session_.tls_started(tls_facts());
    resume();
}

TlsFacts Conn::tls_facts() {
    const io::TlsInfo info = stream().tls_info();
    return {info.version + " " + info.cipher, room_.channel_binding() ? stream().tls_exporter() : std::string()};
}

// An answer may come while we are inside, for what is being consumed: then the loop below goes on with the rest.
void Conn::pump() {
    if (std::exchange(pumping_, true)) return;
    while (greeted_ && !closing() && !session_.waiting() && !stream().input().empty() &&
           stream().pending_output() < max_pending_output) {
        const std::size_t used = session_.consume(stream().input(), context().loop.clock().unix_now());
        const bool tls = perform(); // before consume(): pieces of the body point into the input
        stream().consume(used);
        if (tls) start_tls();
        if (used == 0) break;
    }
    pumping_ = false;
    arm_deadline();
}

bool Conn::perform() {
    tls_due_ = false;
    for (auto effects = session_.take_effects(); !effects.empty(); effects = session_.take_effects())
        for (const auto& effect : effects) std::visit([this](const auto& one) { on(one); }, effect);
    return tls_due_;
}

// An answer has arrived from somewhere else than the client.
void Conn::resume() {
    context().serving(accepted().id);
    perform();
    pump();
}

// A command has command_timeout, whatever trickles in meanwhile; data have data_timeout for each part and six of them
// for all.
void Conn::arm_deadline() {
    if (closing()) return;
    const auto& options = room_.options();
    if (!session_.in_data()) {
        in_data_ = false;
        if (std::exchange(replied_, false)) stream().set_deadline(options.command_timeout);
        return;
    }
    const Instant now = context().loop.clock().now();
    if (!std::exchange(in_data_, true)) data_began_ = now;
    const Millis left = data_began_ + data_patience * options.data_timeout - now;
    stream().set_deadline(std::max(Millis(1), std::min(options.data_timeout, left)));
}

void Conn::on_timeout() {
    session_.timeout();
    perform();
}

void Conn::stop() {
    session_.shut_down();
    perform();
}

void Conn::on_end() {
    room_.forget(accepted().id);
    body_.drop();
}

// ---- effects

void Conn::on(const SendReply& effect) {
    replied_ = true;
    stream().write(effect.bytes);
}

void Conn::on(const StartTls&) { tls_due_ = true; }

void Conn::on(const Close& effect) { close(effect.reason); }

void Conn::on(const LogNote& effect) {
    std::vector<LogField> fields{{"rip", accepted().peer.ip()}, {"session", std::to_string(accepted().id)}};
    fields.insert(fields.end(), effect.fields.begin(), effect.fields.end());
    log(*effect.event, fields);
}

void Conn::on(const LookupRecipient& effect) {
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
        session_.recipient_answer(verdict_of(effect, exists));
        resume();
    });
}

void Conn::on(const ReserveSpace& effect) {
    if (!room_.queue_is_there()) return session_.space_answer(SpaceVerdict::no_queue);
    const bool room = room_.memory().has_room(std::max<std::uint64_t>(effect.declared_size, 1));
    session_.space_answer(room ? SpaceVerdict::granted : SpaceVerdict::no_space);
}

void Conn::on(const BodyChunk& effect) {
    const Status written = body_.write(effect.owned.empty() ? effect.text : std::string_view(effect.owned));
    if (written) return;
    if (written.error().code != Errc::no_space)
        log(event::queue_error, {{"session", std::to_string(accepted().id)}, {"error", written.error().describe()}});
    session_.space_exhausted();
}

void Conn::on(const DropBody&) { body_.drop(); }

// With several recipients the delivery decides for each.
QueueVerdict Conn::room_for(const SubmitMessage& effect) {
    const auto& recipients = effect.mail.recipients;
    if (recipients.size() != 1 || !recipients.front().local) return QueueVerdict::stored;
    const auto verdict =
        room_.spaces().ask(recipients.front().mailbox.local, body_.size(), context().loop.clock().now());
    if (verdict == KnownSpaces::Verdict::room) return QueueVerdict::stored;
    return verdict == KnownSpaces::Verdict::full ? QueueVerdict::full : QueueVerdict::full_for_good;
}

void Conn::on(const SubmitMessage& effect) {
    if (const QueueVerdict verdict = room_for(effect); verdict != QueueVerdict::stored) {
        body_.drop();
        session_.queue_answer(verdict, "");
        return resume();
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
        session_.queue_answer(queue_id ? QueueVerdict::stored : verdict_of(queue_id.error()),
                              queue_id ? *queue_id : "");
        resume();
    };
    if (!parts) return on_queued(parts.error());
    room_.submit(accepted().id, envelope, std::move(*parts), on_queued);
}

// ---- logins

void Conn::ask_monitor(std::uint16_t type, Result<std::string> request,
                       std::function<void(const service::Reply&)> on_success) {
    if (!request) return session_.login_refused(LoginRefusal::denied);
    monitor().request(type, accepted().id, *request,
                      [this, on_success = std::move(on_success)](const Result<service::Reply>& reply) {
                          if (reply)
                              on_success(*reply);
                          else
                              session_.login_refused(service::login_refusal(reply.error()));
                          resume();
                      });
    wipe(*request);
}

void Conn::on(const CheckPassword& effect) {
    ask_monitor(service::check_password_request, service::encode_check_password(effect.user, effect.password.view()),
                [this](const service::Reply& reply) {
                    auto name = service::decode_login_name(reply.body);
                    if (!name) return session_.login_refused(LoginRefusal::temporary);
                    session_.login_accepted(std::move(*name));
                });
}

void Conn::on(const proto::SaslScramFirst& effect) {
    ask_monitor(service::scram_first_request,
                service::encode_scram_first(effect.user, effect.client_first_bare, effect.gs2_header, effect.mechanism),
                [this](const service::Reply& reply) {
                    const auto server_first = service::decode_server_first(reply.body);
                    if (!server_first) return session_.login_refused(LoginRefusal::temporary);
                    session_.scram_started(*server_first);
                });
}

void Conn::on(const proto::SaslScramFinal& effect) {
    ask_monitor(service::scram_final_request, service::encode_scram_final(effect.auth_message, effect.client_proof),
                [this](const service::Reply& reply) {
                    const auto login = service::decode_scram_login(reply.body);
                    if (!login) return session_.login_refused(LoginRefusal::temporary);
                    session_.scram_accepted(login->server_signature, login->name);
                });
}

} // namespace posada::smtpd
