// SPDX-License-Identifier: BSD-2-Clause
// The launcher's work per client: accept, limits, hand over, end. No byte of the client is read here.
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/base/log.h"
#include "common/service/launch/launcher_state.h"

namespace posada::service {

namespace {
constexpr int accepts_per_turn = 64;
constexpr std::size_t remembered_sessions = 1024;
constexpr Millis pause_when_exhausted{100};
constexpr std::size_t most_evicted = 256; // each may still take a moment to say good-bye
} // namespace

void Launcher::accept_from(const Endpoint& endpoint) {
    for (int i = 0; i < accepts_per_turn; ++i) {
        UniqueFd socket(::accept4(endpoint.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (socket.valid()) {
            admit(std::move(socket), endpoint);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(true);
            resume_timer_->start(pause_when_exhausted);
        }
        return;
    }
}

void Launcher::admit(UniqueFd socket, const Endpoint& endpoint) {
    const auto peer = io::Address::of_peer(socket.get());
    if (!peer) return; // gone already
    const std::string source = source_of(*peer, listeners_[endpoint.listener]);
    auto admission = limits_->admit(source, loop_.clock().now());
    if (admission.refused && make_room(source, *admission.refused))
        admission = limits_->admit(source, loop_.clock().now());
    if (admission.refused) return refuse(socket, endpoint, *peer, *admission.refused);
    hand_over(std::move(socket), endpoint, admission.slot, source);
}

// A full service: of the source with most connections before login the oldest goes. Where nobody logs in (port 25) one
// connection of a source may be a mail on its way: it stays.
bool Launcher::make_room(const std::string& newcomer, Refused which) {
    if (which != Refused::total && which != Refused::per_service) return false;
    if (evicted_ >= most_evicted) return false;
    const std::size_t more = daemon_.logins ? 1 : 2;
    const auto oldest = waiting_.oldest_of_busiest(newcomer, more);
    if (!oldest) return false;
    LiveSession& session = *sessions_.at(*oldest);
    log(event::limit_refuse, {{"service", std::string(daemon_.name)},
                              {"rip", session.info().peer.ip()},
                              {"limit", refused_name(which)},
                              {"ended", std::to_string(*oldest)}});
    waiting_.remove(*oldest);
    ++evicted_;
    session.please_finish();
    limits_->release(*session.take_slot());
    return true;
}

std::string Launcher::source_of(const io::Address& peer, const Listener& listener) {
    if (!io::contains(listener.proxy_from, peer)) return peer.source_key();
    return "proxy " + peer.ip() + " " + std::to_string(next_id_++);
}

// As if the client itself had connected.
bool Launcher::admit_client(const LiveSession& session, const io::Address& client) {
    if (!session.slot()) return false; // it is being ended to make room
    const auto refused = limits_->rename(*session.slot(), client.source_key(), loop_.clock().now());
    if (refused) {
        log(event::limit_refuse,
            {{"service", std::string(daemon_.name)}, {"rip", client.ip()}, {"limit", refused_name(*refused)}});
        return false;
    }
    waiting_.remove(session.info().id);
    waiting_.add(session.info().id, client.source_key());
    return true;
}

// One non-blocking write of a constant: root may say it, since it reads nothing and waits for nothing. Who expects a
// TLS handshake could not read it.
void Launcher::refuse(const UniqueFd& socket, const Endpoint& endpoint, const io::Address& peer, Refused which) {
    log(event::limit_refuse,
        {{"service", std::string(daemon_.name)}, {"rip", peer.ip()}, {"limit", refused_name(which)}});
    if (daemon_.refusal.empty() || listeners_[endpoint.listener].tls == TlsMode::implicit) return;
    if (::send(socket.get(), daemon_.refusal.data(), daemon_.refusal.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return;
}

void Launcher::hand_over(UniqueFd socket, const Endpoint& endpoint, std::uint32_t slot, const std::string& source) {
    ConnectionInfo info;
    info.listener = static_cast<std::uint32_t>(endpoint.listener);
    const auto peer = io::Address::of_peer(socket.get());
    const auto local = io::Address::of_local(socket.get());
    if (!peer || !local) return limits_->release(slot);
    info.peer = *peer;
    info.local = *local;
    info.challenge = monitor_service_->challenge();
    auto monitor = net_->send_connection(info, socket.get());
    if (!monitor) {
        // A full channel: the net program is behind. The client may come again; nobody waits in root.
        log(event::limit_refuse, {{"service", std::string(daemon_.name)}, {"rip", peer->ip()}, {"limit", "net-busy"}});
        return limits_->release(slot);
    }
    SessionInfo session;
    session.id = monitor->session;
    session.service = daemon_.name;
    session.peer = *peer;
    session.socket_peer = *peer;
    session.local = *local;
    session.challenge = info.challenge;
    session.listener = listeners_[endpoint.listener];
    auto live = std::make_unique<LiveSession>(*this, std::move(session), std::move(monitor->channel), net_.get(), slot);
    live->start();
    sessions_[monitor->session] = std::move(live);
    waiting_.add(monitor->session, source);
}

void Launcher::pause_accepting(bool paused) {
    for (auto& watch : accepting_) watch->set(paused ? io::Interest::none : io::Interest::read);
}

void Launcher::session_ended(std::uint64_t id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    waiting_.remove(id);
    if (const auto slot = found->second->take_slot()) {
        limits_->release(*slot);
    } else {
        --evicted_;
    }
    recent_.emplace_back(id, found->second->info().peer);
    if (recent_.size() > remembered_sessions) recent_.pop_front();
    sessions_.erase(found);
    finish_if_drained();
}

void Launcher::connection_ended(std::uint64_t session, int status) {
    if (!WIFSIGNALED(status)) return;
    io::Address peer;
    if (const auto live = sessions_.find(session); live != sessions_.end()) peer = live->second->info().peer;
    for (const auto& [id, address] : recent_)
        if (id == session) peer = address;
    log(event::child_crash, {{"service", std::string(daemon_.name)},
                             {"session", std::to_string(session)},
                             {"rip", peer.valid() ? peer.ip() : "unknown"},
                             {"signal", std::to_string(WTERMSIG(status))}});
    if (peer.valid()) penalise(peer.source_key(), peer, "crash");
    renew_net("crash");
}

void Launcher::penalise(const std::string& source, const io::Address& peer, std::string_view reason) {
    const Millis length = limits_->penalise(source, loop_.clock().now());
    log(event::penalty_start, {{"service", std::string(daemon_.name)},
                               {"rip", peer.ip()},
                               {"seconds", std::to_string(length.count() / 1000)},
                               {"reason", std::string(reason)}});
}

} // namespace posada::service
