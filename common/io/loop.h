// SPDX-License-Identifier: BSD-2-Clause
// The event loop: a thin owner of libevent's event_base. The only place, with stream.cc and tls.cc, where C calls back
// into C++; every trampoline is noexcept. Level triggered. A handler may destroy its own Watch or Timer.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"

struct event;
struct event_base;

namespace posada::io {

class Loop {
  public:
    // Uses epoll; fails only when the kernel refuses a descriptor.
    static Result<std::unique_ptr<Loop>> create();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();    // until stop()
    void stop();   // after the current handlers
    // Runs f after the handlers of this turn: the way to delete an object from inside its own callback.
    void defer(std::function<void()> f);
    [[nodiscard]] event_base* base() const { return base_; }
    [[nodiscard]] const Clock& clock() const { return clock_; }

  private:
    Loop() = default;
    friend struct LoopAccess;
    event_base* base_ = nullptr;
    struct event* deferred_event_ = nullptr;
    std::vector<std::function<void()>> deferred_;
    SystemClock clock_;
};

enum class Interest : unsigned char { none = 0, read = 1, write = 2, both = 3 };

// Readiness of one descriptor (borrowed).
class Watch {
  public:
    Watch(Loop& loop, int fd, Interest interest, std::function<void(Interest)> on_ready);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    void set(Interest interest);

  private:
    friend struct LoopAccess;
    Loop& loop_;
    int fd_;
    Interest interest_ = Interest::none;
    struct event* event_ = nullptr;
    std::function<void(Interest)> on_ready_;
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
    struct event* event_ = nullptr;
    std::function<void()> on_expired_;
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
    struct event* event_ = nullptr;
    std::function<void()> on_signal_;
};

}  // namespace posada::io
