// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/request_client.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/priv/outbox.h"

namespace posada::service {

namespace {

struct Outstanding {
    std::uint16_t answer_type;
    std::string_view name;
    unsigned fds_out;
    std::uint64_t session;
    std::function<Status(Result<Reply>)> take; // empty after forget()
    Instant deadline;
};

Result<Reply> to_reply(priv::Message message) {
    const auto body = priv::decode_answer(message.payload);
    if (!body) return body.error();                                  // a failure, in its words
    message.payload.erase(0, message.payload.size() - body->size()); // in place: an answer may be 64 KiB
    return Reply{std::move(message.payload), std::move(message.fds)};
}

} // namespace

struct RequestClient::Impl : std::enable_shared_from_this<RequestClient::Impl> {
    priv::Channel channel;
    unsigned max_fds = 0;
    std::function<void()> on_closed;
    std::deque<Outstanding> outstanding;
    priv::Outbox unsent;
    std::unique_ptr<io::Watch> watch;
    io::Loop& loop;
    Millis answer_within;
    std::unique_ptr<io::Timer> timer; // of the oldest request

    explicit Impl(io::Loop& l, Millis within) : loop(l), answer_within(within) {}

    [[nodiscard]] bool open() const { return channel.valid(); }
    void update_watch() {
        if (watch) watch->set(unsent.empty() ? io::Interest::read : io::Interest::both);
    }
    void fail_all(const Error& error);
    void watch_deadline();
    bool receive_one();
    void flush();
    void dispatch(priv::Message message);
    void breached(std::uint64_t session, const std::string& what);
    void on_ready(io::Interest ready);
};

void RequestClient::Impl::fail_all(const Error& error) {
    watch.reset();
    if (timer) timer->cancel();
    channel.close();
    unsent.clear();
    std::deque<Outstanding> failed;
    failed.swap(outstanding);
    for (Outstanding& request : failed)
        if (request.take) (void)request.take(error);
    if (on_closed) on_closed();
}

// All wait equally long: the first is the oldest.
void RequestClient::Impl::watch_deadline() {
    if (!timer) return;
    if (outstanding.empty()) return timer->cancel();
    const auto left = std::chrono::duration_cast<Millis>(outstanding.front().deadline - loop.clock().now());
    if (left <= Millis(0)) return fail_all(Error{Errc::timeout, 0, "the other side does not answer"});
    timer->start(left + Millis(1));
}

void RequestClient::Impl::dispatch(priv::Message message) {
    const auto found = std::find_if(outstanding.begin(), outstanding.end(), [&](const Outstanding& o) {
        return o.session == message.session && o.answer_type == message.type;
    });
    if (found == outstanding.end())
        return breached(message.session, std::to_string(message.type) + ": an answer nobody asked for");
    const Outstanding request = std::move(*found);
    outstanding.erase(found);
    Status well;
    if (!priv::is_answer(message.payload)) well = Error{Errc::protocol, 0, "no verdict"};
    if (message.fds.size() > request.fds_out) well = Error{Errc::protocol, 0, "too many descriptors"};
    Result<Reply> reply = well ? to_reply(std::move(message)) : Result<Reply>(well.error());
    if (request.take) {
        const Status taken = request.take(std::move(reply));
        if (well) well = taken;
    }
    if (!well) return breached(request.session, std::string(request.name) + ": " + well.error().text);
    if (open()) watch_deadline();
}

// The callback may have closed it in the meantime; what was answered is logged all the same.
void RequestClient::Impl::breached(std::uint64_t session, const std::string& what) {
    std::string awaited;
    for (const Outstanding& request : outstanding) awaited.append(awaited.empty() ? "" : ",").append(request.name);
    std::vector<LogField> fields{{"session", std::to_string(session)}, {"what", what}};
    if (!awaited.empty()) fields.push_back({"awaited", awaited});
    log(event::answer_breach, fields);
    if (open()) fail_all(Error{Errc::protocol, 0, what});
}

// True when there is more to wait for. What comes unasked makes the descriptor ready again.
bool RequestClient::Impl::receive_one() {
    auto received = channel.receive(max_fds);
    if (!received && received.error().code == Errc::busy) return false;
    if (!received && received.error().code == Errc::protocol) return breached(0, received.error().text), false;
    if (!received) {
        fail_all(received.error());
        return false;
    }
    if (!received->has_value()) {
        fail_all(Error{Errc::closed, 0, "the other side closed the channel"});
        return false;
    }
    dispatch(std::move(**received));
    return open() && !outstanding.empty();
}

void RequestClient::Impl::flush() {
    if (const Status sent = unsent.flush(channel); !sent) return fail_all(sent.error());
    update_watch();
}

void RequestClient::Impl::on_ready(io::Interest ready) {
    const std::shared_ptr<Impl> alive = shared_from_this();
    if ((static_cast<unsigned>(ready) & static_cast<unsigned>(io::Interest::write)) != 0) flush();
    while (open() && receive_one()) {
    }
}

RequestClient::RequestClient(io::Loop& loop, UniqueFd channel, unsigned max_fds, std::function<void()> on_closed,
                             Millis answer_within)
    : impl_(std::make_shared<Impl>(loop, answer_within)) {
    impl_->channel = priv::Channel(std::move(channel));
    impl_->max_fds = max_fds;
    impl_->on_closed = std::move(on_closed);
    if (answer_within > Millis(0))
        impl_->timer = std::make_unique<io::Timer>(loop, [impl = impl_.get()] {
            const std::shared_ptr<Impl> alive = impl->shared_from_this();
            impl->watch_deadline();
        });
    if (!set_nonblocking(impl_->channel.fd(), true)) {
        impl_->channel.close();
        return;
    }
    impl_->watch = std::make_unique<io::Watch>(loop, impl_->channel.fd(), io::Interest::read,
                                               [impl = impl_.get()](io::Interest ready) { impl->on_ready(ready); });
}

// A callback of ours may be running: it holds the Impl, which from here on finds itself closed and silent.
RequestClient::~RequestClient() {
    impl_->on_closed = nullptr;
    impl_->outstanding.clear();
    impl_->unsent.clear();
    impl_->watch.reset();
    impl_->timer.reset();
    impl_->channel.close();
}

void RequestClient::send(const Asked& asked, std::uint64_t session, std::string_view payload, Take take,
                         std::span<const int> fds) {
    if (!impl_->open()) return void(take(Error{Errc::closed, 0, "the other side closed the channel"}));
    std::vector<UniqueFd> copies;
    for (const int fd : fds) {
        auto copy = duplicate_fd(fd);
        if (!copy) return void(take(copy.error()));
        copies.push_back(std::move(*copy));
    }
    impl_->outstanding.push_back({static_cast<std::uint16_t>(asked.type + 1), asked.name, asked.fds_out, session,
                                  std::move(take), impl_->loop.clock().now() + impl_->answer_within});
    if (impl_->timer && !impl_->timer->running()) impl_->watch_deadline();
    impl_->unsent.add(asked.type, session, std::string(payload), std::move(copies));
    const std::shared_ptr<Impl> alive = impl_;
    alive->flush();
}

Status RequestClient::post(std::uint16_t type, std::uint64_t session, std::string_view payload,
                           std::span<const int> fds) {
    if (!impl_->open()) return Error{Errc::closed, 0, "the other side closed the channel"};
    if (!impl_->unsent.empty()) return Error{Errc::busy, 0, "requests wait to be sent"};
    return impl_->channel.send(type, session, payload, fds);
}

void RequestClient::forget(std::uint64_t session) {
    for (Outstanding& request : impl_->outstanding)
        if (request.session == session) request.take = nullptr;
}

bool RequestClient::closed() const { return !impl_->open(); }

} // namespace posada::service
