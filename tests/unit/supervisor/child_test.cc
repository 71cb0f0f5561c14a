// SPDX-License-Identifier: BSD-2-Clause
// The supervisor's table: what every state does with every event, walked as whole lives.
#include "supervisor/child.h"

#include <gtest/gtest.h>

namespace posada::supervisor {

namespace {

// Feeds events, returns the last action; state is carried along.
Action feed(State& state, std::initializer_list<Event> events) {
    Action last = Action::none;
    for (const Event event : events) {
        const Transition step = transition(state, event);
        state = step.next;
        last = step.action;
    }
    return last;
}

TEST(Child, OrdinaryLife) {
    State state = State::down;
    EXPECT_EQ(feed(state, {Event::enable}), Action::spawn);
    EXPECT_EQ(state, State::starting);
    EXPECT_EQ(feed(state, {Event::ready}), Action::note_ready);
    EXPECT_EQ(state, State::up);
    EXPECT_EQ(feed(state, {Event::timer}), Action::forget_past);
    EXPECT_EQ(feed(state, {Event::reload}), Action::hang_up);
    EXPECT_EQ(feed(state, {Event::disable}), Action::terminate);
    EXPECT_EQ(state, State::stopping);
    EXPECT_EQ(feed(state, {Event::exited}), Action::settle);
    EXPECT_EQ(state, State::down);
}

TEST(Child, CrashWaitsAndStartsAgain) {
    State state = State::up;
    EXPECT_EQ(feed(state, {Event::exited}), Action::wait);
    EXPECT_EQ(state, State::backoff);
    EXPECT_EQ(feed(state, {Event::timer}), Action::spawn);
    EXPECT_EQ(state, State::starting);
    EXPECT_EQ(feed(state, {Event::exited}), Action::wait); // even before it was ready: it never gives up
    EXPECT_EQ(state, State::backoff);
}

TEST(Child, WrongConfigurationWaitsForReload) {
    State state = State::starting;
    feed(state, {Event::exited_config});
    EXPECT_EQ(state, State::blocked);
    EXPECT_EQ(feed(state, {Event::timer, Event::enable}), Action::none);
    EXPECT_EQ(state, State::blocked);
    EXPECT_EQ(feed(state, {Event::reload}), Action::spawn);
    EXPECT_EQ(state, State::starting);
}

TEST(Child, NotReadyInTimeIsEndedAndWaits) {
    State state = State::starting;
    EXPECT_EQ(feed(state, {Event::timer}), Action::terminate);
    EXPECT_EQ(state, State::failing);
    EXPECT_EQ(feed(state, {Event::timer}), Action::kill);
    EXPECT_EQ(feed(state, {Event::exited}), Action::wait);
    EXPECT_EQ(state, State::backoff);
}

TEST(Child, TermThatIsIgnoredBecomesKill) {
    State state = State::up;
    feed(state, {Event::disable});
    EXPECT_EQ(feed(state, {Event::timer}), Action::kill);
    EXPECT_EQ(state, State::stopping);
    EXPECT_EQ(feed(state, {Event::exited}), Action::settle);
}

TEST(Child, OtherSocketsNeedANewProcessAtOnce) {
    State state = State::up;
    EXPECT_EQ(feed(state, {Event::restart}), Action::terminate);
    EXPECT_EQ(state, State::restarting);
    EXPECT_EQ(feed(state, {Event::exited}), Action::spawn); // no backoff: it was asked to end
    EXPECT_EQ(state, State::starting);
}

TEST(Child, DisableDuringRestartWins) {
    State state = State::up;
    feed(state, {Event::restart, Event::disable, Event::exited});
    EXPECT_EQ(state, State::down);
}

TEST(Child, EnableDuringStopStartsAgain) {
    State state = State::up;
    feed(state, {Event::disable, Event::enable});
    EXPECT_EQ(feed(state, {Event::exited}), Action::spawn);
}

// From wherever: disable and the end of the process lead to down, with no process started on the way.
TEST(Child, EveryStateCanBeStopped) {
    for (std::size_t i = 0; i < state_count; ++i) {
        State state = static_cast<State>(i);
        Action action = feed(state, {Event::disable});
        EXPECT_NE(action, Action::spawn) << state_name(static_cast<State>(i));
        action = feed(state, {Event::exited});
        EXPECT_NE(action, Action::spawn) << state_name(static_cast<State>(i));
        EXPECT_EQ(state, State::down) << state_name(static_cast<State>(i));
    }
}

// A process is started only from a state without one: two would fight for the same sockets.
TEST(Child, NeverTwoProcesses) {
    for (const State with : {State::starting, State::up, State::stopping, State::restarting, State::failing})
        for (std::size_t e = 0; e < event_count; ++e) {
            const Event event = static_cast<Event>(e);
            if (event == Event::exited || event == Event::exited_config) continue;
            EXPECT_NE(transition(with, event).action, Action::spawn) << state_name(with) << " " << e;
        }
}

TEST(Child, BackoffDoublesUpToAMinuteAndForgets) {
    Backoff backoff;
    EXPECT_EQ(backoff.next(), Millis(500));
    EXPECT_EQ(backoff.next(), Millis(1000));
    EXPECT_EQ(backoff.next(), Millis(2000));
    for (int i = 0; i < 20; ++i) (void)backoff.next();
    EXPECT_EQ(backoff.next(), Millis(60'000));
    backoff.reset();
    EXPECT_EQ(backoff.next(), Millis(500));
}

} // namespace

} // namespace posada::supervisor
