// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/queue_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "common/base/log.h"
#include "common/priv/outbox.h"

namespace posada::smtpd {

namespace {

constexpr std::size_t most_peers = 64;
constexpr std::uint16_t most_entries = 40; // of a listing: one packet
constexpr Millis lazy_delay{50};           // outcomes wait this long for a transaction they can share
constexpr Millis idle_delay{2'000};
constexpr Millis upkeep_interval{600'000};
constexpr std::uint64_t log_octets_limit = 64ULL << 20;

Result<uid_t> peer_uid(int fd) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return errno_error("SO_PEERCRED");
    return credentials.uid;
}

std::string queue_id_answer(const Result<std::string>& queued) {
    if (!queued) return priv::encode_failure(queued.error());
    Writer w;
    w.str(*queued);
    return priv::encode_ok(w.bytes());
}

std::string rows_answer(const Result<std::uint64_t>& rows) {
    if (!rows) return priv::encode_failure(rows.error());
    Writer w;
    w.u32(static_cast<std::uint32_t>(*rows));
    return priv::encode_ok(w.bytes());
}

} // namespace

struct QueueServer::Peer {
    std::uint64_t id = 0;
    priv::Channel channel;
    std::optional<QueueRole> role;
    priv::RequestGate gate{{}};
    std::map<std::uint64_t, Incoming> incoming; // by session
    priv::Outbox unsent;
    std::unique_ptr<io::Watch> watch;
    struct SpacesWanted {
        std::uint64_t session;
        std::uint64_t known;
    };
    std::optional<SpacesWanted> spaces_wanted;
};

QueueServer::QueueServer(io::Loop& loop, Queue& queue, UniqueFd listener, uid_t owner, std::size_t batch,
                         std::function<void(const Error&)> on_fatal)
    : loop_(loop), queue_(queue), listener_(std::move(listener)), owner_(owner), batch_(batch),
      on_fatal_(std::move(on_fatal)), lazy_timer_(loop,
                                                  [this] {
                                                      urgent_ = true;
                                                      schedule_turn();
                                                  }),
      due_timer_(loop, [this] { schedule_turn(); }), upkeep_timer_(loop, [this] { upkeep(); }) {
    accept_watch_ = std::make_unique<io::Watch>(loop, listener_.get(), io::Interest::read,
                                                [this](io::Interest) { accept_peers(); });
    schedule_turn();
}

QueueServer::~QueueServer() = default;

void QueueServer::check(const Status& status) {
    if (status || failed_) return;
    failed_ = true;
    log(event::queue_error, {{"error", status.error().describe()}, {"action", "exit and recover"}});
    on_fatal_(status.error());
}

void QueueServer::stop() {
    accept_watch_.reset();
    check(queue_.flush());
    for (const auto& [id, peer] : peers_) flush_unsent(*peer);
}

// ---- channels ----

void QueueServer::accept_peers() {
    for (;;) {
        UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket.valid()) return;
        const auto uid = peer_uid(socket.get());
        if (!uid || (*uid != 0 && *uid != owner_) || peers_.size() >= most_peers) {
            log(event::queue_error,
                {{"error", "a process may not use the queue's socket"}, {"uid", uid ? std::to_string(*uid) : "?"}});
            continue;
        }
        auto peer = std::make_unique<Peer>();
        const std::uint64_t id = ++last_peer_;
        peer->id = id;
        peer->channel = priv::Channel(std::move(socket));
        peer->watch = std::make_unique<io::Watch>(loop_, peer->channel.fd(), io::Interest::read,
                                                  [this, id](io::Interest ready) { on_ready(id, ready); });
        peers_.emplace(id, std::move(peer));
    }
}

void QueueServer::close_peer(std::uint64_t id, std::string_view why) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    const std::shared_ptr<Peer> peer(std::move(found->second));
    peers_.erase(found);
    if (!why.empty()) log(event::queue_error, {{"error", std::string(why)}, {"action", "channel closed"}});
    peer->watch.reset();
    peer->channel.close();
    for (auto& [session, incoming] : peer->incoming) queue_.abandon(incoming);
    queue_.drop_holder(id);
    schedule_turn();
    loop_.defer([peer] {}); // a method of it may be running
}

void QueueServer::on_ready(std::uint64_t id, io::Interest ready) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    if ((static_cast<unsigned>(ready) & static_cast<unsigned>(io::Interest::write)) != 0) flush_unsent(*found->second);
    if ((static_cast<unsigned>(ready) & static_cast<unsigned>(io::Interest::read)) == 0) return;
    // What is left when the transaction is full comes with the next turn.
    while (peers_.count(id) != 0 && queue_.pending() < batch_ && receive_one(*peers_.at(id))) {
    }
}

bool QueueServer::receive_one(Peer& peer) {
    const unsigned most_fds = peer.role ? priv::max_request_fds(queue_requests(*peer.role)) : 0;
    auto received = peer.channel.receive(most_fds);
    if (!received && received.error().code == Errc::busy) return false;
    const std::uint64_t id = peer.id;
    if (!received || !received->has_value()) {
        close_peer(id, received ? std::string() : received.error().describe());
        return false;
    }
    if (const Status handled = handle(peer, std::move(**received)); !handled)
        close_peer(id, handled.error().describe());
    return peers_.count(id) != 0;
}

void QueueServer::answer(std::uint64_t peer, std::uint16_t type, std::uint64_t session, std::string payload,
                         std::optional<UniqueFd> fd) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    std::vector<UniqueFd> fds;
    if (fd) fds.push_back(std::move(*fd));
    const bool first = found->second->unsent.empty();
    found->second->unsent.add(type, session, std::move(payload), std::move(fds));
    if (first) flush_unsent(*found->second);
}

void QueueServer::flush_unsent(Peer& peer) {
    (void)peer.unsent.flush(peer.channel); // the end of its channel will be seen by the watch
    if (peer.watch) peer.watch->set(peer.unsent.empty() ? io::Interest::read : io::Interest::both);
}

// ---- requests ----

Status QueueServer::hello(Peer& peer, const priv::Message& message) {
    if (message.type != queue_hello) return Error{Errc::protocol, 0, "the first message of a channel must be hello"};
    auto role = decode_hello(message.payload);
    if (!role) return role.error();
    peer.gate = priv::RequestGate(queue_requests(*role));
    peer.role = *role;
    return {};
}

Status QueueServer::handle(Peer& peer, priv::Message message) {
    if (!peer.role) RETURN_IF_ERROR(hello(peer, message));
    const auto row = peer.gate.admit(message);
    if (!row) return row.error();
    const Status handled = handle_admitted(peer, message);
    if (handled) return {};
    const std::string name(queue_requests(*peer.role)[*row].name);
    return Error{handled.error().code, handled.error().sys, name + ": " + handled.error().text};
}

Status QueueServer::handle_admitted(Peer& peer, priv::Message& message) {
    if (message.type == queue_hello) return {};
    switch (*peer.role) {
    case QueueRole::receive: return receive_request(peer, message);
    case QueueRole::deliver: return lease_request(peer, message, RecipientKind::local);
    case QueueRole::relay: return lease_request(peer, message, RecipientKind::route);
    case QueueRole::control: return control_request(peer, message);
    }
    return {};
}

Status QueueServer::receive_request(Peer& peer, priv::Message& message) {
    if (message.type == queue_spaces) return spaces_request(peer, message);
    if (!message.fds.empty()) RETURN_IF_ERROR(seal_memfd(message.fds[0].get()));
    if (message.type == queue_submit) return submit(peer, message);
    Incoming& incoming = peer.incoming[message.session];
    if (message.type == queue_submit_part) {
        queue_.add_part(incoming, message.fds[0].get());
    } else {
        RETURN_IF_ERROR(decode_recipients(message.payload, incoming.more_recipients));
    }
    answer(peer.id, message.type + 1, message.session, priv::encode_ok());
    return {};
}

Status QueueServer::spaces_request(Peer& peer, const priv::Message& message) {
    if (peer.spaces_wanted) return Error{Errc::protocol, 0, "queue_spaces was asked already"};
    Reader r(message.payload);
    peer.spaces_wanted = {message.session, r.u64()};
    RETURN_IF_ERROR(r.finish());
    answer_spaces(peer);
    return {};
}

void QueueServer::answer_spaces(Peer& peer) {
    const SpaceReports& spaces = queue_.spaces();
    if (!peer.spaces_wanted || peer.spaces_wanted->known == spaces.version()) return;
    const std::uint64_t session = peer.spaces_wanted->session;
    peer.spaces_wanted.reset();
    answer(peer.id, queue_spaces + 1, session, priv::encode_ok(spaces.encode(loop_.clock().now())));
}

Status QueueServer::submit(Peer& peer, priv::Message& message) {
    auto envelope = decode_envelope(message.payload);
    if (!envelope) return envelope.error();
    Incoming incoming;
    if (const auto begun = peer.incoming.find(message.session); begun != peer.incoming.end()) {
        incoming = std::move(begun->second);
        peer.incoming.erase(begun);
    }
    queue_.submit(std::move(incoming), message.fds[0].get(), std::move(*envelope),
                  [this, id = peer.id, session = message.session](const Result<std::string>& queued) {
                      answer(id, queue_submit + 1, session, queue_id_answer(queued));
                  });
    urgent_ = true;
    schedule_turn();
    return {};
}

Status QueueServer::lease_request(Peer& peer, const priv::Message& message, RecipientKind kind) {
    const std::uint64_t session = message.session;
    if (message.type == queue_lease) {
        Reader r(message.payload);
        const std::size_t most = r.u16();
        RETURN_IF_ERROR(r.finish());
        queue_.lease(peer.id, session, kind, most,
                     [this, id = peer.id, session](const Lease& lease, const UniqueFd& body) {
                         auto copy = duplicate_fd(body.get());
                         if (!copy) return check(copy.error());
                         answer(id, queue_lease + 1, session, priv::encode_ok(encode_lease(lease)), std::move(*copy));
                     });
    } else {
        auto report = decode_report(message.payload);
        if (!report) return report.error();
        if (queue_.done(peer.id, session, std::move(*report))) urgent_ = true;
        answer(peer.id, queue_done + 1, session, priv::encode_ok());
    }
    schedule_turn();
    return {};
}

Status QueueServer::control_request(Peer& peer, const priv::Message& message) {
    Reader r(message.payload);
    std::string out;
    if (message.type == queue_stats) {
        const auto stats = queue_.stats();
        out = stats ? priv::encode_ok(encode_stats(*stats)) : priv::encode_failure(stats.error());
    } else if (message.type == queue_list) {
        const std::uint64_t after = r.u64();
        const auto entries = queue_.list(after, std::min(r.u16(), most_entries));
        out = entries ? priv::encode_ok(encode_entries(*entries)) : priv::encode_failure(entries.error());
    } else {
        const std::string_view queue_id = r.str();
        out = rows_answer(message.type == queue_retry ? queue_.retry_now(queue_id) : queue_.remove(queue_id));
    }
    RETURN_IF_ERROR(r.finish());
    answer(peer.id, static_cast<std::uint16_t>(message.type + 1), message.session, std::move(out));
    schedule_turn();
    return {};
}

// ---- the turn ----

void QueueServer::schedule_turn() {
    if (turn_scheduled_) return;
    turn_scheduled_ = true;
    loop_.defer([this] { turn(); });
}

void QueueServer::turn() {
    turn_scheduled_ = false;
    if (failed_) return;
    if (urgent_ || queue_.pending() != 0) check(queue_.flush());
    urgent_ = false;
    if (!failed_) check(queue_.pump());
    for (const auto& [id, peer] : peers_) answer_spaces(*peer);
    if (!failed_ && queue_.log_size() > log_octets_limit) check(queue_.upkeep());
    if (!failed_) arm_timers();
}

void QueueServer::arm_timers() {
    if (queue_.has_results() && !lazy_timer_.running()) lazy_timer_.start(lazy_delay);
    upkeep_timer_.start(idle_delay);
    if (queue_.next_due() == 0) return due_timer_.cancel();
    const std::int64_t wait = queue_.next_due() - loop_.clock().unix_now();
    due_timer_.start(Seconds(std::clamp<std::int64_t>(wait, 1, 3600)));
}

// Nothing has happened for idle_delay.
void QueueServer::upkeep() {
    check(queue_.upkeep());
    if (!failed_) check(queue_.pump());
    upkeep_timer_.start(upkeep_interval);
}

} // namespace posada::smtpd
