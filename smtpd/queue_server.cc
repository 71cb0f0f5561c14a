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
constexpr std::size_t most_unfinished = 16;      // messages of a channel: a client sends the parts of one in a row
constexpr std::size_t most_recipients = 100'000; // of a message: [smtpd] max_recipients cannot permit more
constexpr std::ptrdiff_t most_of_one = 16; // a launcher's, for its net programs: the present one and those that retire
constexpr std::uint16_t most_entries = 40; // of a listing: one packet
constexpr Millis lazy_delay{50};           // outcomes wait this long for a transaction they can share
constexpr Millis idle_delay{2'000};
constexpr Millis upkeep_interval{600'000};
constexpr std::uint64_t log_octets_limit = 64ULL << 20;

Result<ucred> peer_credentials(int fd) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return errno_error("SO_PEERCRED");
    return credentials;
}

Result<RowCount> count_of(const Result<std::uint64_t>& rows) {
    if (!rows) return rows.error();
    return RowCount{static_cast<std::uint32_t>(*rows)};
}

} // namespace

struct QueueServer::Peer {
    std::uint64_t id = 0;
    pid_t pid = 0; // who has opened it
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
        const auto who = peer_credentials(socket.get());
        if (who.ok()) make_room(who->pid);
        if (!who || (who->uid != 0 && who->uid != owner_) || peers_.size() >= most_peers) {
            log(event::queue_breach,
                {{"uid", who ? std::to_string(who->uid) : "?"}, {"error", "may not use the queue's socket"}});
            continue;
        }
        auto peer = std::make_unique<Peer>();
        const std::uint64_t id = ++last_peer_;
        peer->id = id;
        peer->pid = who->pid;
        peer->channel = priv::Channel(std::move(socket));
        peer->watch = std::make_unique<io::Watch>(loop_, peer->channel.fd(), io::Interest::read,
                                                  [this, id](io::Interest ready) { on_ready(id, ready); });
        peers_.emplace(id, std::move(peer));
    }
}

// A net program that somebody has taken over and that asks for channels without end takes them from nobody else.
void QueueServer::make_room(pid_t pid) {
    const auto of_it = [pid](const auto& entry) { return entry.second->pid == pid; };
    if (std::count_if(peers_.begin(), peers_.end(), of_it) < most_of_one) return;
    const auto oldest = std::find_if(peers_.begin(), peers_.end(), of_it);
    close_peer(oldest->first, "a process has too many channels to the queue");
}

void QueueServer::close_peer(std::uint64_t id, std::string_view why) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    const std::shared_ptr<Peer> peer(std::move(found->second));
    peers_.erase(found);
    if (!why.empty()) log(event::queue_breach, {{"error", std::string(why)}});
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

void QueueServer::answer(std::uint64_t peer, std::uint16_t request, std::uint64_t session, std::string payload,
                         std::optional<UniqueFd> fd) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    std::vector<UniqueFd> fds;
    if (fd) fds.push_back(std::move(*fd));
    const bool first = found->second->unsent.empty();
    found->second->unsent.add(static_cast<std::uint16_t>(request + 1), session, std::move(payload), std::move(fds));
    if (first) flush_unsent(*found->second);
}

void QueueServer::flush_unsent(Peer& peer) {
    (void)peer.unsent.flush(peer.channel); // the end of its channel will be seen by the watch
    if (peer.watch) peer.watch->set(peer.unsent.empty() ? io::Interest::read : io::Interest::both);
}

// ---- requests ----

// One message of one peer. What is returned is the answer; an error in place of Later closes the channel.
struct QueueServer::Handlers {
    QueueServer& server;
    Peer& peer;

    // The message of this session that has begun, or begins now.
    Result<Incoming*> unfinished(std::uint64_t session);
    Result<priv::Later> on(const QueueHello&) { return priv::Later{}; } // hello() has read it
    Result<priv::Later> on(const SubmitPart&, const priv::Message& message);
    Result<priv::Later> on(SubmitRecipients request, const priv::Message& message);
    Result<priv::Later> on(Submit request, const priv::Message& message);
    Result<priv::Later> on(const WatchSpaces& request, const priv::Message& message);
    Result<priv::Later> on(const TakeLease& request, const priv::Message& message);
    Status on(EndLease request, const priv::Message& message);
    Result<QueueStats> on(const AskStats&) { return server.queue_.stats(); }
    Result<QueueEntries> on(const ListQueue& request);
    Result<RowCount> on(const RetryNow& request) { return count_of(server.queue_.retry_now(request.queue_id)); }
    Result<RowCount> on(const RemoveMail& request) { return count_of(server.queue_.remove(request.queue_id)); }
};

Status QueueServer::hello(Peer& peer, const priv::Message& message) {
    if (message.type != QueueHello::row.type)
        return Error{Errc::protocol, 0, "the first message of a channel must be hello"};
    auto role = role_of(message.payload);
    if (!role) return role.error();
    peer.gate = priv::RequestGate(queue_requests(*role));
    peer.role = *role;
    return {};
}

Status QueueServer::handle(Peer& peer, priv::Message message) {
    if (!peer.role) RETURN_IF_ERROR(hello(peer, message));
    RETURN_IF_ERROR(peer.gate.admit(message));
    switch (*peer.role) {
    case QueueRole::receive: return handle_as<ReceiveRequests>(peer, message);
    case QueueRole::deliver:
    case QueueRole::relay: return handle_as<LeaseRequests>(peer, message);
    case QueueRole::control: return handle_as<ControlRequests>(peer, message);
    }
    return {};
}

template <class List>
Status QueueServer::handle_as(Peer& peer, priv::Message& message) {
    const std::uint64_t id = peer.id;
    Handlers handlers{*this, peer};
    priv::Handled handled = List::dispatch(handlers, message);
    if (!handled) return handled.error();
    if (*handled) answer(id, message.type, message.session, std::move((*handled)->payload));
    if (peers_.count(id) != 0 && *peer.role != QueueRole::receive) schedule_turn();
    return {};
}

Result<Incoming*> QueueServer::Handlers::unfinished(std::uint64_t session) {
    if (peer.incoming.count(session) == 0 && peer.incoming.size() >= most_unfinished)
        return Error{Errc::protocol, 0, "too many unfinished messages"};
    return &peer.incoming[session];
}

Result<priv::Later> QueueServer::Handlers::on(const SubmitPart&, const priv::Message& message) {
    RETURN_IF_ERROR(seal_memfd(message.fds[0].get()));
    const auto incoming = unfinished(message.session);
    if (!incoming) return incoming.error();
    server.queue_.add_part(**incoming, message.fds[0].get());
    server.answer(peer.id, message.type, message.session, priv::encode_ok());
    return priv::Later{};
}

Result<priv::Later> QueueServer::Handlers::on(SubmitRecipients request, const priv::Message& message) {
    RETURN_IF_ERROR(check_recipients(request.recipients));
    const auto incoming = unfinished(message.session);
    if (!incoming) return incoming.error();
    std::vector<Recipient>& all = (*incoming)->more_recipients;
    if (all.size() + request.recipients.size() > most_recipients)
        return Error{Errc::protocol, 0, "too many recipients"};
    std::move(request.recipients.begin(), request.recipients.end(), std::back_inserter(all));
    server.answer(peer.id, message.type, message.session, priv::encode_ok());
    return priv::Later{};
}

Result<priv::Later> QueueServer::Handlers::on(Submit request, const priv::Message& message) {
    RETURN_IF_ERROR(seal_memfd(message.fds[0].get()));
    RETURN_IF_ERROR(check_envelope(request.envelope));
    Incoming incoming;
    if (const auto begun = peer.incoming.find(message.session); begun != peer.incoming.end()) {
        incoming = std::move(begun->second);
        peer.incoming.erase(begun);
    }
    const auto on_queued = [to = &server, id = peer.id, session = message.session](Result<std::string> queued) {
        const auto made = queued ? Result<QueueId>(QueueId{std::move(*queued)}) : queued.error();
        to->answer(id, Submit::row.type, session, priv::answer_payload(made));
    };
    server.queue_.submit(std::move(incoming), message.fds[0].get(), std::move(request.envelope), on_queued);
    server.urgent_ = true;
    server.schedule_turn();
    return priv::Later{};
}

Result<priv::Later> QueueServer::Handlers::on(const WatchSpaces& request, const priv::Message& message) {
    if (peer.spaces_wanted) return Error{Errc::protocol, 0, "was asked already"};
    peer.spaces_wanted = {message.session, request.known};
    server.answer_spaces(peer);
    return priv::Later{};
}

void QueueServer::answer_spaces(Peer& peer) {
    const SpaceReports& spaces = queue_.spaces();
    if (!peer.spaces_wanted || peer.spaces_wanted->known == spaces.version()) return;
    const std::uint64_t session = peer.spaces_wanted->session;
    peer.spaces_wanted.reset();
    answer(peer.id, WatchSpaces::row.type, session, priv::answer_payload<Spaces>(spaces.told(loop_.clock().now())));
}

Result<priv::Later> QueueServer::Handlers::on(const TakeLease& request, const priv::Message& message) {
    const RecipientKind kind = *peer.role == QueueRole::relay ? RecipientKind::route : RecipientKind::local;
    const auto on_lease = [to = &server, id = peer.id, session = message.session](const Lease& lease,
                                                                                  const UniqueFd& body) {
        auto copy = duplicate_fd(body.get());
        if (!copy) return to->check(copy.error());
        to->answer(id, TakeLease::row.type, session, priv::answer_payload<Lease>(lease), std::move(*copy));
    };
    server.queue_.lease(peer.id, message.session, kind, request.most_rows, on_lease);
    return priv::Later{};
}

Status QueueServer::Handlers::on(EndLease request, const priv::Message& message) {
    tame(request.report);
    if (server.queue_.done(peer.id, message.session, std::move(request.report))) server.urgent_ = true;
    return {};
}

Result<QueueEntries> QueueServer::Handlers::on(const ListQueue& request) {
    auto entries = server.queue_.list(request.after, std::min(request.most, most_entries));
    if (!entries) return entries.error();
    return QueueEntries{std::move(*entries)};
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
