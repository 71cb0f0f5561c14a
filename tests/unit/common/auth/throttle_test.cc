// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/throttle.h"

#include <gtest/gtest.h>

#include "tests/unit/common/auth/scratch.h"

namespace posada::auth {
namespace {

struct ThrottleTest : testing::Test {
    FakeClock clock;
    Throttle throttle{clock, ThrottleConfig()};
    Millis fail(std::string_view source, std::string_view user, std::string_view password) {
        return throttle.failed(source, throttle.mark(user, password));
    }
};

TEST_F(ThrottleTest, WrongPasswordsCostTwoFourEightFifteenSecondsAndNoMore) {
    EXPECT_EQ(fail("192.0.2.1", "lir", "a"), Seconds(2));
    EXPECT_EQ(fail("192.0.2.1", "lir", "b"), Seconds(4));
    EXPECT_EQ(fail("192.0.2.1", "lir", "c"), Seconds(8));
    EXPECT_EQ(fail("192.0.2.1", "lir", "d"), Seconds(15));
    EXPECT_EQ(fail("192.0.2.1", "lir", "e"), Seconds(15));
}

TEST_F(ThrottleTest, AnotherSourceIsNotDelayed) {
    static_cast<void>(fail("192.0.2.1", "lir", "a"));
    EXPECT_EQ(throttle.hold("192.0.2.2"), Millis(0));
    EXPECT_EQ(fail("192.0.2.2", "lir", "a"), Seconds(2));
}

TEST_F(ThrottleTest, ANewAttemptIsHeldForTheRestOfTheDelay) {
    EXPECT_EQ(throttle.hold("192.0.2.1"), Millis(0));
    static_cast<void>(fail("192.0.2.1", "lir", "a"));
    EXPECT_EQ(throttle.hold("192.0.2.1"), Seconds(2));
    clock.advance(Millis(1500));
    EXPECT_EQ(throttle.hold("192.0.2.1"), Millis(500));
    clock.advance(Millis(500));
    EXPECT_EQ(throttle.hold("192.0.2.1"), Millis(0));
}

TEST_F(ThrottleTest, SuccessForgivesAll) {
    static_cast<void>(fail("192.0.2.1", "lir", "a"));
    static_cast<void>(fail("192.0.2.1", "lir", "b"));
    throttle.succeeded("192.0.2.1");
    EXPECT_EQ(throttle.hold("192.0.2.1"), Millis(0));
    EXPECT_EQ(throttle.sources(), 0U);
    EXPECT_EQ(fail("192.0.2.1", "lir", "a"), Seconds(2));
}

TEST_F(ThrottleTest, AQuietMinuteForgivesOneStep) {
    for (const char* password : {"a", "b", "c"}) static_cast<void>(fail("192.0.2.1", "lir", password));
    clock.advance(Seconds(59));
    EXPECT_EQ(fail("192.0.2.1", "lir", "d"), Seconds(15));
    clock.advance(Seconds(120));
    EXPECT_EQ(fail("192.0.2.1", "lir", "e"), Seconds(8)) << "4 steps less 2, and one more";
    clock.advance(Seconds(3600));
    EXPECT_EQ(fail("192.0.2.1", "lir", "f"), Seconds(2));
}

TEST_F(ThrottleTest, RepeatingOneWrongPasswordAddsNoStep) {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(fail("192.0.2.1", "scanner", "old"), Seconds(2)) << i;
    EXPECT_EQ(fail("192.0.2.1", "scanner", "other"), Seconds(4));
    EXPECT_EQ(fail("192.0.2.1", "scanner", "old"), Seconds(4));
}

TEST_F(ThrottleTest, TheSamePasswordForAnotherUserIsAnotherGuess) {
    EXPECT_EQ(fail("192.0.2.1", "lir", "hungry"), Seconds(2));
    EXPECT_EQ(fail("192.0.2.1", "daniel", "hungry"), Seconds(4));
    EXPECT_EQ(fail("192.0.2.1", "danielh", "ungry"), Seconds(8)) << "where the name ends is part of it";
}

TEST_F(ThrottleTest, OnlyTheLastTenFailuresAreRemembered) {
    ThrottleConfig config;
    config.delays.clear();
    for (int i = 1; i <= 30; ++i) config.delays.push_back(Seconds(i));
    Throttle wide(clock, config);
    const auto guess = [&](int n) { return wide.failed("192.0.2.1", wide.mark("lir", std::to_string(n))); };
    for (int i = 0; i < 10; ++i) EXPECT_EQ(guess(i), Seconds(i + 1));
    EXPECT_EQ(guess(0), Seconds(10)) << "still among the last ten";
    EXPECT_EQ(guess(10), Seconds(11)) << "pushes guess 0 out";
    EXPECT_EQ(guess(0), Seconds(12));
}

TEST_F(ThrottleTest, MarksMeanNothingToAnotherTable) {
    Throttle other(clock, ThrottleConfig());
    EXPECT_NE(throttle.mark("lir", "hungry"), other.mark("lir", "hungry"));
    EXPECT_EQ(throttle.mark("lir", "hungry"), throttle.mark("lir", "hungry"));
}

TEST_F(ThrottleTest, AFullTableStillDelaysButTracksNobodyNew) {
    ThrottleConfig config;
    config.rows = 1;
    Throttle small(clock, config);
    for (const char* source : {"a", "b", "c", "d", "e", "f", "g", "h"}) static_cast<void>(small.failed(source, "1"));
    EXPECT_EQ(small.failed("i", "1"), Seconds(2));
    EXPECT_EQ(small.failed("i", "2"), Seconds(2));
    EXPECT_EQ(small.sources(), 8U);
    EXPECT_EQ(small.failed("a", "2"), Seconds(4)) << "those inside are still counted";
    clock.advance(Seconds(600));
    static_cast<void>(small.failed("i", "3"));
    EXPECT_EQ(small.failed("i", "4"), Seconds(4)) << "the quiet ones made room";
    EXPECT_EQ(small.sources(), 8U);
}

// Two daemons, or two processes that inetd has started.
TEST_F(ThrottleTest, WhoeverHasTheSameFileCountsTheSameGuesses) {
    const test::Scratch scratch;
    ThrottleConfig config;
    config.file = scratch.file("login-delays");
    Throttle pop(clock, config);
    Throttle submission(clock, config);
    EXPECT_TRUE(pop.shared());
    EXPECT_EQ(pop.failed("192.0.2.1", pop.mark("lir", "a")), Seconds(2));
    EXPECT_EQ(submission.hold("192.0.2.1"), Seconds(2));
    EXPECT_EQ(submission.failed("192.0.2.1", submission.mark("lir", "a")), Seconds(2)) << "the same guess";
    EXPECT_EQ(submission.failed("192.0.2.1", submission.mark("lir", "b")), Seconds(4));
    pop.succeeded("192.0.2.1");
    EXPECT_EQ(submission.hold("192.0.2.1"), Millis(0));
}

TEST_F(ThrottleTest, ATimeToComeIsOfAnotherBoot) {
    const test::Scratch scratch;
    ThrottleConfig config;
    config.file = scratch.file("login-delays");
    clock.advance(Seconds(100'000));
    Throttle before(clock, config);
    for (const char* guess : {"1", "2", "3"}) static_cast<void>(before.failed("a", guess));
    FakeClock new_boot;
    Throttle after(new_boot, config);
    EXPECT_EQ(after.hold("a"), Millis(0));
    EXPECT_EQ(after.failed("a", "4"), Seconds(2));
}

TEST_F(ThrottleTest, WithoutItsFileItCountsForItself) {
    ThrottleConfig config;
    config.file = "/nonexistent/login-delays";
    Throttle alone(clock, config);
    EXPECT_FALSE(alone.shared());
    EXPECT_EQ(alone.failed("a", "1"), Seconds(2));
    EXPECT_EQ(alone.hold("a"), Seconds(2));
}

TEST_F(ThrottleTest, WithoutDelaysNothingIsHeld) {
    ThrottleConfig config;
    config.delays.clear();
    Throttle none(clock, config);
    EXPECT_EQ(none.failed("a", "1"), Millis(0));
    EXPECT_EQ(none.hold("a"), Millis(0));
}

} // namespace
} // namespace posada::auth
