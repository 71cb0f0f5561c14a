// SPDX-License-Identifier: BSD-2-Clause
// The life of one supervised service as a table: [state][event] -> next state and what to do. Pure: the supervisor
// feeds events and carries out actions, tests walk the table.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/clock.h"

namespace posada::supervisor {

enum class State : std::uint8_t {
    down,       // not wanted
    starting,   // the process runs and has not said READY=1 yet
    up,         // it is ready
    stopping,   // asked to end; then down
    restarting, // asked to end; then started at once
    failing,    // did not become ready in time, asked to end; then backoff
    backoff,    // ended by itself; the next start waits
    blocked,    // ended with 78 (configuration), or its section has errors: waits for a reload
};

enum class Event : std::uint8_t {
    enable,        // the configuration wants it
    disable,       // the configuration does not want it any more, or the supervisor stops
    reload,        // new settings, same sockets
    restart,       // new settings, other sockets
    ready,         // READY=1
    exited,        // the process has ended, or could not be started
    exited_config, // ... with status 78
    timer,         // the one timer of this state
};

enum class Action : std::uint8_t {
    none,
    spawn,       // start it; the timer limits how long it may take to become ready
    note_ready,  // the timer measures how long it stays healthy
    forget_past, // it was healthy for long: the next backoff is short again
    hang_up,     // SIGHUP
    terminate,   // SIGTERM; the timer limits the wait
    kill,        // SIGKILL to its process group
    wait,        // timer for the next start
    settle,      // it is down: cancel the timer
};

struct Transition {
    State next;
    Action action;
};

Transition transition(State state, Event event) noexcept;
std::string_view state_name(State state) noexcept;
inline constexpr std::size_t state_count = 8;
inline constexpr std::size_t event_count = 8;

// 0.5 s, doubling to 60 s.
class Backoff {
  public:
    static constexpr Millis first{500};
    static constexpr Millis longest{60'000};
    Millis next() noexcept;
    void reset() noexcept { current_ = first; }

  private:
    Millis current_ = first;
};

} // namespace posada::supervisor
