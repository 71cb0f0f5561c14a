// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/loop.h"

#include <event2/event.h>

#include <algorithm>
#include <cstdlib>

namespace posada::io {
namespace {

constexpr std::size_t scratch_size = 64 * 1024;

timeval to_timeval(Millis after) {
    const auto ms = std::max<Millis::rep>(after.count(), 0);
    return timeval{static_cast<time_t>(ms / 1000), static_cast<suseconds_t>(ms % 1000 * 1000)};
}

bool has(Interest set, Interest one) { return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0; }

// libevent allocates events with malloc and fails only when that does: then there is nothing left to serve with.
EventPtr make_event(Loop& loop, int fd, short what, event_callback_fn f, void* arg) {
    EventPtr out(event_new(loop.base(), fd, what, f, arg));
    if (!out) std::abort();
    return out;
}

} // namespace

// The C side of every callback of this file.
struct LoopAccess {
    static void run_deferred(evutil_socket_t, short, void* arg) noexcept {
        auto& loop = *static_cast<Loop*>(arg);
        std::vector<std::function<void()>> now;
        now.swap(loop.deferred_);
        loop.running_deferred_ = true;
        for (auto& f : now) {
            f();
            f = nullptr; // what it captured goes before the next one runs
        }
        loop.running_deferred_ = false;
    }
    static void read_ready(evutil_socket_t, short, void* arg) noexcept {
        static_cast<Watch*>(arg)->on_ready_(Interest::read);
    }
    static void write_ready(evutil_socket_t, short, void* arg) noexcept {
        static_cast<Watch*>(arg)->on_ready_(Interest::write);
    }
    static void expired(evutil_socket_t, short, void* arg) noexcept { static_cast<Timer*>(arg)->on_expired_(); }
    static void run_task(evutil_socket_t, short, void* arg) noexcept {
        auto& task = *static_cast<Deferred*>(arg);
        task.scheduled_ = false;
        task.running_ = true;
        if (task.f_()) task.running_ = false;
    }
    static void signalled(evutil_socket_t, short, void* arg) noexcept { static_cast<SignalWatch*>(arg)->on_signal_(); }
};

void EventFree::operator()(struct event* e) const noexcept { event_free(e); }

Result<std::unique_ptr<Loop>> Loop::create() {
    std::unique_ptr<event_config, void (*)(event_config*)> config(event_config_new(), event_config_free);
    if (!config) return Error{Errc::io, ENOMEM, "event_config_new"};
    event_config_avoid_method(config.get(), "select");
    event_config_avoid_method(config.get(), "poll");
    // No EPOLL_USE_CHANGELIST: descriptors here are passed between processes, and a delayed delete would miss them.
    event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    std::unique_ptr<Loop> loop(new Loop);
    loop->base_ = event_base_new_with_config(config.get());
    if (loop->base_ == nullptr) return errno_error("cannot create the event loop");
    loop->deferred_event_ = make_event(*loop, -1, 0, &LoopAccess::run_deferred, loop.get());
    return loop;
}

Loop::~Loop() {
    deferred_.clear();
    deferred_event_.reset();
    if (base_ != nullptr) event_base_free(base_);
}

void Loop::run() { event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY); }
void Loop::stop() { event_base_loopexit(base_, nullptr); }

void Loop::defer(std::function<void()> f) {
    const bool armed = !deferred_.empty();
    deferred_.push_back(std::move(f));
    if (armed) return;
    const timeval now{0, 0};
    // An active event joins the queue of this turn; from inside the queue it must wait, or it could hold up the turn.
    if (running_deferred_)
        event_add(deferred_event_.get(), &now);
    else
        event_active(deferred_event_.get(), EV_TIMEOUT, 0);
}

std::span<char> Loop::scratch() {
    if (!scratch_) scratch_.reset(new char[scratch_size]); // not zeroed: pages nobody reads are never touched
    return {scratch_.get(), scratch_size};
}

Watch::Watch(Loop& loop, int fd, Interest interest, std::function<void(Interest)> on_ready)
    : read_event_(make_event(loop, fd, EV_READ | EV_PERSIST, &LoopAccess::read_ready, this)),
      write_event_(make_event(loop, fd, EV_WRITE | EV_PERSIST, &LoopAccess::write_ready, this)),
      on_ready_(std::move(on_ready)) {
    set(interest);
}

Watch::~Watch() = default;

void Watch::set(Interest interest) {
    const auto change = [&](Interest one, struct event* e) {
        if (has(interest, one) == has(interest_, one)) return;
        if (has(interest, one))
            event_add(e, nullptr);
        else
            event_del(e);
    };
    change(Interest::read, read_event_.get());
    change(Interest::write, write_event_.get());
    interest_ = interest;
}

Timer::Timer(Loop& loop, std::function<void()> on_expired)
    : event_(make_event(loop, -1, 0, &LoopAccess::expired, this)), on_expired_(std::move(on_expired)) {}
Timer::~Timer() = default;

void Timer::start(Millis after) {
    const timeval tv = to_timeval(after);
    event_add(event_.get(), &tv);
}

void Timer::cancel() { event_del(event_.get()); }
bool Timer::running() const { return event_pending(event_.get(), EV_TIMEOUT, nullptr) != 0; }

Deferred::Deferred(Loop& loop, std::function<void()> f)
    : event_(make_event(loop, -1, 0, &LoopAccess::run_task, this)), f_(std::move(f)) {}
Deferred::~Deferred() = default;

void Deferred::schedule() {
    if (scheduled_) return;
    scheduled_ = true;
    const timeval now{0, 0};
    if (running_)
        event_add(event_.get(), &now);
    else
        event_active(event_.get(), EV_TIMEOUT, 0);
}

SignalWatch::SignalWatch(Loop& loop, int signal, std::function<void()> on_signal)
    : event_(make_event(loop, signal, EV_SIGNAL | EV_PERSIST, &LoopAccess::signalled, this)),
      on_signal_(std::move(on_signal)) {
    event_add(event_.get(), nullptr);
}
SignalWatch::~SignalWatch() = default;

} // namespace posada::io
