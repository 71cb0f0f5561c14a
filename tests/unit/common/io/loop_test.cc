// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "common/base/fd.h"

namespace posada::io {
namespace {

std::unique_ptr<Loop> make_loop() {
    auto loop = Loop::create();
    EXPECT_TRUE(loop.ok());
    return std::move(*loop);
}

TEST(Loop, deferred_functions_run_in_order_and_after_the_handlers) {
    const auto loop = make_loop();
    std::string trace;
    Timer timer(*loop, [&] {
        loop->defer([&] { trace += "b"; });
        loop->defer([&] {
            trace += "c";
            loop->stop();
        });
        trace += "a";
    });
    timer.start(Millis(0));
    loop->run();
    EXPECT_EQ(trace, "abc");
}

TEST(Loop, what_a_deferred_function_defers_does_not_hold_up_the_turn) {
    const auto loop = make_loop();
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe.ok());
    int turns = 0;
    std::function<void()> again = [&] {
        if (++turns < 100000) loop->defer(again);
    };
    bool served = false;
    Watch watch(*loop, pipe->first.get(), Interest::read, [&](Interest) {
        served = true;
        loop->stop();
    });
    loop->defer(again);
    ASSERT_TRUE(write_all(pipe->second.get(), "x").ok());
    loop->run();
    EXPECT_TRUE(served);
    EXPECT_LT(turns, 1000);
}

TEST(Loop, pending_deferred_functions_are_dropped_with_the_loop) {
    auto loop = make_loop();
    auto token = std::make_shared<int>(1);
    loop->defer([token] { FAIL(); });
    loop.reset();
    EXPECT_EQ(token.use_count(), 1);
}

TEST(Watch, reports_reading_and_writing_and_follows_set) {
    const auto loop = make_loop();
    auto pair = make_seqpacket_pair();
    ASSERT_TRUE(pair.ok());
    int reads = 0;
    int writes = 0;
    std::unique_ptr<Watch> watch;
    watch = std::make_unique<Watch>(*loop, pair->first.get(), Interest::write, [&](Interest ready) {
        if (ready == Interest::write) {
            ++writes;
            watch->set(Interest::read);
            EXPECT_TRUE(write_all(pair->second.get(), "x").ok());
        } else if (++reads == 2) { // level triggered: nobody has read it
            watch->set(Interest::none);
            loop->defer([&] { loop->stop(); });
        }
    });
    loop->run();
    EXPECT_EQ(writes, 1);
    EXPECT_EQ(reads, 2);
}

TEST(Watch, handler_may_destroy_its_watch) {
    const auto loop = make_loop();
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe.ok());
    ASSERT_TRUE(write_all(pipe->second.get(), "x").ok());
    int calls = 0;
    auto owned = std::make_shared<std::string>("captured");
    std::unique_ptr<Watch> watch;
    watch = std::make_unique<Watch>(*loop, pipe->first.get(), Interest::read, [&, owned](Interest) {
        watch.reset();
        ++calls;
        EXPECT_EQ(*owned, "captured") << "captures live until the handler returns";
        loop->stop();
    });
    loop->run();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(owned.use_count(), 1);
}

TEST(Timer, expires_once_and_start_replaces_the_deadline) {
    const auto loop = make_loop();
    int calls = 0;
    Timer timer(*loop, [&] { ++calls; });
    Timer end(*loop, [&] { loop->stop(); });
    timer.start(Millis(60'000));
    timer.start(Millis(1));
    EXPECT_TRUE(timer.running());
    end.start(Millis(30));
    loop->run();
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(timer.running());
}

TEST(Timer, cancel_and_destruction_stop_it) {
    const auto loop = make_loop();
    Timer cancelled(*loop, [] { FAIL(); });
    auto destroyed = std::make_unique<Timer>(*loop, [] { FAIL(); });
    cancelled.start(Millis(1));
    destroyed->start(Millis(1));
    cancelled.cancel();
    destroyed.reset();
    Timer end(*loop, [&] { loop->stop(); });
    end.start(Millis(10));
    loop->run();
}

TEST(Timer, handler_may_destroy_or_restart_its_timer) {
    const auto loop = make_loop();
    int calls = 0;
    std::unique_ptr<Timer> timer;
    timer = std::make_unique<Timer>(*loop, [&] {
        if (++calls < 3) return timer->start(Millis(0));
        timer.reset();
        loop->stop();
    });
    timer->start(Millis(0));
    loop->run();
    EXPECT_EQ(calls, 3);
}

TEST(Deferred, runs_once_for_many_schedules_and_never_after_destruction) {
    const auto loop = make_loop();
    int calls = 0;
    Deferred task(*loop, [&] { ++calls; });
    auto dead = std::make_unique<Deferred>(*loop, [] { FAIL(); });
    task.schedule();
    task.schedule();
    dead->schedule();
    dead.reset();
    Timer end(*loop, [&] { loop->stop(); });
    end.start(Millis(5));
    loop->run();
    EXPECT_EQ(calls, 1);
}

TEST(Deferred, rescheduling_itself_lets_others_run) {
    const auto loop = make_loop();
    int calls = 0;
    std::unique_ptr<Deferred> task;
    task = std::make_unique<Deferred>(*loop, [&] {
        ++calls;
        task->schedule();
    });
    task->schedule();
    Timer end(*loop, [&] { loop->stop(); });
    end.start(Millis(5));
    loop->run();
    EXPECT_GT(calls, 1);
}

TEST(SignalWatch, turns_a_signal_into_an_event) {
    const auto loop = make_loop();
    int calls = 0;
    SignalWatch watch(*loop, SIGUSR1, [&] {
        ++calls;
        loop->stop();
    });
    ASSERT_EQ(kill(getpid(), SIGUSR1), 0);
    loop->run();
    EXPECT_EQ(calls, 1);
}

} // namespace
} // namespace posada::io
