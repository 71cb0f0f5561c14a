// SPDX-License-Identifier: BSD-2-Clause
// The event loop: a thin owner of libevent's event_base. The only place, with stream.cc and tls.cc, where C calls back
// into C++; every trampoline is noexcept. Level triggered. A handler may destroy its own Watch, Timer or Deferred.
// After a fork the child must not touch (nor destroy) its parent's Loop: the epoll descriptor is shared; it ends by
// _exit or execs.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"

struct event;
struct event_base;

namespace posada::io {

struct EventFree {
    void operator()(struct event* e) const noexcept;
};
using EventPtr = std::unique_ptr<struct event, EventFree>;

class Loop {
  public:
    // Uses epoll; fails only when the kernel refuses a descriptor.
    static Result<std::unique_ptr<Loop>> create();
    ~Loop(); // drops deferred functions that have not run
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();  // until stop()
    void stop(); // after the current handlers and what they deferred
    // Runs f after the handlers of this turn: the way to delete an object from inside its own callback.
    // What f itself defers runs one turn later.
    void defer(std::function<void()> f);
    [[nodiscard]] event_base* base() const { return base_; }
    [[nodiscard]] const Clock& clock() const { return clock_; }
    // 64 KiB for reads, shared by everything on this loop: valid until the next callback is entered or left.
    std::span<char> scratch();

  private:
    Loop() = default;
    friend struct LoopAccess;
    event_base* base_ = nullptr;
    EventPtr deferred_event_;
    std::vector<std::function<void()>> deferred_;
    bool running_deferred_ = false;
    std::unique_ptr<char[]> scratch_;
    SystemClock clock_;
};

enum class Interest : unsigned char { none = 0, read = 1, write = 2, both = 3 };

// A function that may destroy the object holding it while it runs.
template <class... Args>
class Callback {
  public:
    explicit Callback(std::function<void(Args...)> f) : f_(std::move(f)) {}
    ~Callback() {
        if (gone_ != nullptr) *gone_ = true;
    }
    Callback(const Callback&) = delete;
    Callback& operator=(const Callback&) = delete;
    // False when the holder died in the call: then nothing of it may be touched any more.
    bool operator()(Args... args) {
        bool gone = false;
        gone_ = &gone;
        auto f = std::move(f_);
        f(args...);
        if (gone) return false;
        f_ = std::move(f);
        gone_ = nullptr;
        return true;
    }

  private:
    std::function<void(Args...)> f_;
    bool* gone_ = nullptr;
};

// Readiness of one descriptor (borrowed; it must stay open as long as the Watch). The handler is called once for
// reading and once for writing; an error or hang-up counts as both.
class Watch {
  public:
    Watch(Loop& loop, int fd, Interest interest, std::function<void(Interest)> on_ready);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    void set(Interest interest);
    [[nodiscard]] Interest interest() const { return interest_; }

  private:
    friend struct LoopAccess;
    Interest interest_ = Interest::none;
    // One event for each direction: a change of interest is one epoll_ctl, not two.
    EventPtr read_event_;
    EventPtr write_event_;
    Callback<Interest> on_ready_;
};

// One-shot; start() again re-arms and replaces the earlier deadline.
class Timer {
  public:
    Timer(Loop& loop, std::function<void()> on_expired);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    void start(Millis after);
    void cancel();
    [[nodiscard]] bool running() const;

  private:
    friend struct LoopAccess;
    EventPtr event_;
    Callback<> on_expired_;
};

// Like Loop::defer without an allocation each time, cancelled by its destruction; schedule() twice runs it once.
class Deferred {
  public:
    Deferred(Loop& loop, std::function<void()> f);
    ~Deferred();
    Deferred(const Deferred&) = delete;
    Deferred& operator=(const Deferred&) = delete;
    void schedule(); // from inside f: the next turn

  private:
    friend struct LoopAccess;
    EventPtr event_;
    Callback<> f_;
    bool scheduled_ = false;
    bool running_ = false;
};

// Unix signals as loop events (signalfd-free: libevent's self pipe).
class SignalWatch {
  public:
    SignalWatch(Loop& loop, int signal, std::function<void()> on_signal);
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

  private:
    friend struct LoopAccess;
    EventPtr event_;
    Callback<> on_signal_;
};

} // namespace posada::io
