// SPDX-License-Identifier: BSD-2-Clause
#include <sys/socket.h>

#include <utility>

#include "common/base/log.h"
#include "common/service/launch/launcher_state.h"

namespace posada::service {

LiveSession::LiveSession(Launcher& launcher, SessionInfo info, UniqueFd channel, NetHandle* net, std::uint32_t slot)
    : launcher_(launcher), info_(std::move(info)), channel_(std::move(channel)), gate_(launcher.requests_), net_(net),
      slot_(slot) {}

void LiveSession::start() {
    shared_ = launcher_.monitor_service_;
    monitor_ = shared_->make_session(*this, info_);
    watch_ = std::make_unique<io::Watch>(launcher_.loop_, channel_.fd(), io::Interest::read,
                                         [this](io::Interest) { on_readable(); });
}

io::Loop& LiveSession::loop() { return launcher_.loop_; }

void LiveSession::on_readable() {
    auto received = channel_.receive(priv::max_request_fds(launcher_.requests_));
    if (!received && received.error().code == Errc::busy) return;
    if (!received && received.error().code == Errc::protocol) return kill(received.error().text);
    if (!received || !received->has_value()) return end();
    priv::Message message = std::move(**received);
    if (const Status admitted = gate_.admit(message); !admitted) return kill(admitted.error().text);
    const bool first = std::exchange(untouched_, false);
    if (message.type == Sign::row.type) return sign(message);
    const bool names_client = message.type == ClientAddress::row.type;
    if (names_client && !first) return kill("client_address: names its client too late");
    if (names_client) return handle_with<priv::Requests<ClientAddress>>(*this, *this, message);
    if (monitor_ == nullptr) return kill("no request is allowed");
    monitor_->handle(std::move(message));
}

void LiveSession::sign(const priv::Message& message) {
    if (net_ == nullptr) return; // it ends
    net_->signs() ? net_->sign(info_.id, message) : kill("sign: without a certificate");
}

// The session begins anew with the client's address; nothing was asked of the old one.
Result<priv::Later> LiveSession::on(const ClientAddress& request, const priv::Message& message) {
    const auto client = request.address();
    if (!client) return client.error();
    if (!io::contains(info_.listener.proxy_from, info_.peer))
        return Error{Errc::protocol, 0, "names a client without being a proxy"};
    Status admitted;
    if (launcher_.admit_client(*this, *client)) {
        info_.peer = *client;
        monitor_.reset();
        monitor_ = shared_->make_session(*this, info_);
    } else {
        admitted = Error{Errc::limit, 0, "too many connections"};
    }
    answer(message.type, priv::answer_payload(admitted), {});
    return priv::Later{};
}

// The peer has at most a handful of requests outstanding: a full socket means that it does not read, which is a breach.
void LiveSession::answer(std::uint16_t request_type, std::string_view payload, std::span<const int> fds) {
    if (ended_) return;
    gate_.answered(request_type, payload);
    if (gate_.phase() != priv::first_phase) launcher_.waiting_.remove(info_.id);
    const auto sent = channel_.send(static_cast<std::uint16_t>(request_type + 1), info_.id, payload, fds);
    if (!sent && sent.error().code == Errc::busy) kill("does not read its answers");
}

void LiveSession::kill(std::string_view why) {
    if (ended_) return;
    log(event::privilege_breach, {{"service", std::string(info_.service)},
                                  {"session", std::to_string(info_.id)},
                                  {"rip", info_.peer.ip()},
                                  {"what", std::string(why)}});
    launcher_.penalise(info_.peer.source_key(), info_.peer, "breach");
    if (net_ != nullptr) {
        if (net_->forks()) {
            net_->kill_connection(info_.id);
        } else {
            net_->kill_program();
        }
    }
    end();
    launcher_.loop_.defer([launcher = &launcher_] { launcher->renew_net("breach"); });
}

void LiveSession::please_finish() {
    if (!ended_) ::shutdown(channel_.fd(), SHUT_WR);
}

void LiveSession::end() {
    if (ended_) return;
    ended_ = true;
    watch_.reset();
    channel_.close();
    launcher_.loop_.defer([launcher = &launcher_, id = info_.id] { launcher->session_ended(id); });
}

} // namespace posada::service
