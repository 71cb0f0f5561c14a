// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/conn.h"

#include "common/service/config/config.h"

namespace posada::pop3d {

Result<NetSettings> NetSettings::read(const service::NetStart& start) {
    NetSettings out;
    Pop3Options& options = out.policy;
    const auto common = service::decode_net_options(start.options, Pop3Options::section(), &options);
    if (!common) return common.error();
    out.policy.hostname = start.hostname;
    out.policy.scram = common->scram;
    out.policy.transcript = common->service.transcript;
    out.channel_binding = common->channel_binding;
    return out;
}

Conn::Conn(service::NetContext& context, const NetSettings& settings, service::Accepted accepted,
           std::function<void()> finished)
    : SessionDriver(context, settings.policy, std::move(accepted), 1, std::move(finished)), settings_(settings) {}

// The peer's rights are asked for before TLS: what plaintext_auth permits.
void Conn::on_peer() {
    session().set_peer(Peer{tls_available(), private_enough(), accepted().challenge});
    set_deadline(settings_.policy.login_timeout);
}

void Conn::greet() {
    if (stream().tls_active()) session().tls_started(binding());
    session().greet();
    run();
}

void Conn::on_tls() {
    session().tls_started(binding());
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

void Conn::perform(const Effect& effect) {
    std::visit([this](const auto& e) { act(e); }, effect);
}

// Before login one time for all of it.
std::optional<Millis> Conn::patience() {
    if (!session().logged_in()) return std::nullopt;
    return settings_.policy.idle_timeout;
}

bool Conn::write_more() {
    if (!session().listing()) return false;
    session().output_drained();
    return true;
}

void Conn::act(const Close& effect) {
    agent_.reset();
    close(effect.reason);
}

} // namespace posada::pop3d
