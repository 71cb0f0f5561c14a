// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/conn.h"

#include <sys/socket.h>

#include "common/service/config/config.h"
#include "ftpd/requests.h"

namespace posada::ftpd {

Result<NetSettings> NetSettings::read(const service::NetStart& start) {
    NetSettings out;
    FtpOptions& options = out.policy;
    const auto common = service::decode_net_options(start.options, FtpOptions::section(), &options);
    if (!common) return common.error();
    out.policy.hostname = start.hostname;
    out.policy.transcript = common->service.transcript;
    return out;
}

Conn::Conn(service::NetContext& context, const NetSettings& settings, service::Accepted accepted,
           std::function<void()> finished)
    : SessionDriver(context, settings.policy, std::move(accepted), most_data_ports, std::move(finished)),
      settings_(settings), data_(context.loop, this->accepted().peer,
                                 [this](const io::Address& from) {
                                     log(event::data_stranger, {{"rip", this->accepted().peer.ip()},
                                                                {"session", std::to_string(this->accepted().id)},
                                                                {"from", from.ip()}});
                                 }),
      drop_ports_(context.loop, [this] { ports_.clear(); }), drop_closing_(context.loop, [this] { closing_.reset(); }) {
}

// The octet of ABOR's Telnet Synch that comes as urgent data stays where it stands in the stream. Sessions of TLS can
// be resumed in this process only, which is this client's.
void Conn::on_peer() {
    const service::Accepted& a = accepted();
    Peer peer;
    peer.tls_available = tls_available();
    peer.plaintext_auth = private_enough();
    peer.ip = a.peer.ip();
    peer.address = a.peer;
    peer.ipv6 = a.peer.is_ipv6();
    peer.passive_ip = passive_address();
    session().set_peer(std::move(peer));
    if (const auto tls = tls_context())
        if (const Status isolated = tls->isolate_sessions(); !isolated) return close(isolated.error().describe());
    set_deadline(settings_.policy.login_timeout);
}

void Conn::greet() {
    if (stream().tls_active()) session().tls_started();
    session().greet();
    run();
}

void Conn::on_tls() {
    session().tls_started();
    run();
}

void Conn::on_end() {
    transfer_.reset();
    closing_.reset();
    reading_.reset();
    ports_.clear();
    data_.reset();
    agent_.reset();
}

void Conn::perform(const Effect& effect) {
    std::visit([this](const auto& e) { act(e); }, effect);
}

// Before login one time for all of it; a transfer has a time of its own.
std::optional<Millis> Conn::patience() {
    if (!session().logged_in() || session().idle_talk() || transferring_) return std::nullopt;
    return session().idle_timeout();
}

void Conn::take_agent(UniqueFd channel) {
    agent_ = std::make_unique<service::RequestClient>(
        context().loop, std::move(channel), 1, [this] { agent_lost(); }, settings_.policy.agent_timeout);
}

void Conn::act(const AnonymousCheck& check) {
    ask_login(monitor(), accepted().id, AnonymousLogin{check.email}, on_login());
}

void Conn::act(const NoteTransfer& note) {
    const auto took = std::chrono::duration_cast<Millis>(context().loop.clock().now() - began_);
    const LogTransfer line{note.path,  note.octets,   static_cast<std::uint64_t>(took.count()),
                           note.ascii, note.received, note.complete};
    monitor().ask(accepted().id, line, [](const auto&) {}); // the monitor logs a failure
}

void Conn::agent_lost() {
    if (session().closed()) return;
    log(event::file_error, {{"rip", accepted().peer.ip()},
                            {"session", std::to_string(accepted().id)},
                            {"error", "the user's agent has ended or does not answer"}});
    if (transferring_) tell_session(TransferEnd::lost);
    session().agent_lost();
    run();
}

} // namespace posada::ftpd
