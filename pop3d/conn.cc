// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/conn.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/service/config.h"

namespace posada::pop3d {

namespace {
constexpr std::size_t most_queued = 64 * 1024; // octets of output; more waits until the client has read
}

Result<NetSettings> NetSettings::read(const service::NetStart& start) {
    NetSettings out;
    const auto common = service::decode_net_options(start.options, *Pop3Options::section().schema, &out.options);
    if (!common) return common.error();
    out.policy.hostname = start.hostname;
    out.policy.banner = out.options.banner;
    out.policy.max_bad_commands_login = out.options.max_bad_commands_login;
    out.policy.max_bad_commands = out.options.max_bad_commands;
    out.policy.scram = common->scram;
    out.channel_binding = common->channel_binding;
    out.policy.transcript = common->service.transcript;
    out.policy.mark_seen = out.options.mark_seen;
    out.policy.expires = out.options.expire != Millis(0);
    out.policy.expire_days = static_cast<std::uint32_t>(out.options.expire / std::chrono::hours(24));
    out.policy.language = out.options.language;
    // What is announced is never less than what is enforced.
    out.policy.login_delay_seconds = static_cast<std::uint32_t>((out.options.login_delay.count() + 999) / 1000);
    return out;
}

Conn::Conn(service::NetContext& context, const NetSettings& settings, service::Accepted accepted,
           std::function<void()> finished)
    : Connection(context, std::move(accepted), 1, std::move(finished)), settings_(settings), session_(settings.policy) {
    stream().set_low_water(most_queued);
}

// The peer's rights are asked for before TLS: what plaintext_auth permits.
void Conn::on_peer() {
    session_.set_peer(Peer{tls_available(), private_enough(), accepted().challenge});
    stream().set_deadline(settings_.options.login_timeout);
}

void Conn::stop() {
    session_.shut_down();
    run();
}

void Conn::greet() {
    if (stream().tls_active()) session_.tls_started(binding());
    session_.greet();
    run();
}

void Conn::on_tls() {
    session_.tls_started(binding());
    run();
}

std::string Conn::binding() { return settings_.channel_binding ? stream().tls_exporter() : std::string(); }

void Conn::on_drained() {
    if (transfer_) {
        restart_idle_time();
        send_more();
    }
    run();
}

void Conn::on_timeout() {
    session_.timeout();
    run();
}

void Conn::on_end() { agent_.reset(); }

bool Conn::busy() { return !session_.closed() && (session_.waiting() || !stream().input().empty()); }

bool Conn::client_reads() { return stream().pending_output() <= most_queued; }

void Conn::run() {
    if (running_) return; // an answer that came at once: the loop below goes on with it
    running_ = true;
    while (step()) {
    }
    running_ = false;
    if (input_ended() && !busy()) close("closed by client");
}

// False: nothing more can be done now.
bool Conn::step() {
    auto effects = session_.take_effects();
    for (const Effect& effect : effects) std::visit([this](const auto& e) { act(e); }, effect);
    if (!effects.empty()) return true;
    if (closing() || !client_reads()) return false;
    if (session_.listing()) {
        session_.output_drained();
        return true;
    }
    if (session_.waiting()) return false;
    const std::size_t used = session_.consume(stream().input());
    stream().consume(used);
    return used != 0;
}

// Setting a deadline asks the kernel what the client has confirmed: not for each of a thousand mails in a second. The
// idle time is never shorter than configured.
void Conn::restart_idle_time() {
    const Millis idle = settings_.options.idle_timeout;
    const Millis slack = std::min(Millis(1'000), idle / 64);
    const Instant now = context().loop.clock().now();
    if (now < idle_since_ + slack) return;
    idle_since_ = now;
    stream().set_deadline(idle + slack);
}

// A reply is what a client waits for: each one starts the idle time anew.
void Conn::act(const SendReply& reply) {
    if (session_.logged_in()) restart_idle_time();
    stream().write(reply.bytes);
}

void Conn::act(const StartTls&) { start_tls(); }

void Conn::act(const LogNote& note) {
    std::vector<LogField> fields{{"rip", accepted().peer.ip()}, {"session", std::to_string(accepted().id)}};
    fields.insert(fields.end(), note.fields.begin(), note.fields.end());
    log(*note.event, fields);
}

void Conn::act(const Close& effect) {
    agent_.reset();
    close(effect.reason);
}

} // namespace posada::pop3d
