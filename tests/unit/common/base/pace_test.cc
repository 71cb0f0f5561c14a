// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/pace.h"

#include <gtest/gtest.h>

using namespace posada;

TEST(Pace, WithoutARateNothingWaits) {
    Pace pace(0);
    pace.spent(1'000'000'000, Instant());
    EXPECT_EQ(pace.wait(Instant()), Millis(0));
}

TEST(Pace, WhatWasSpentIsWaitedFor) {
    FakeClock clock;
    clock.advance(Seconds(5));
    Pace pace(1'000);
    pace.spent(500, clock.now());
    EXPECT_EQ(pace.wait(clock.now()), Millis(500));
    clock.advance(Millis(499));
    EXPECT_EQ(pace.wait(clock.now()), Millis(1));
    clock.advance(Millis(1));
    EXPECT_EQ(pace.wait(clock.now()), Millis(0));
}

// Octets that are too few for a millisecond are not free.
TEST(Pace, ManyLittleOnesAddUp) {
    FakeClock clock;
    Pace pace(1'000'000);
    for (int i = 0; i < 100'000; ++i) pace.spent(10, clock.now());
    EXPECT_EQ(pace.wait(clock.now()), Millis(1'000));
}

TEST(Pace, TimeThatNobodyUsedIsNotSaved) {
    FakeClock clock;
    Pace pace(1'000);
    clock.advance(Seconds(3'600));
    pace.spent(1'000, clock.now());
    EXPECT_EQ(pace.wait(clock.now()), Millis(1'000));
}

TEST(Pace, ABundleIsNeverNothingAndNeverALot) {
    EXPECT_EQ(Pace(1).bundle(), 1'024U);
    EXPECT_EQ(Pace(80'000).bundle(), 10'000U);
    EXPECT_EQ(Pace(std::uint64_t{1} << 40).bundle(), 256U * 1'024U);
}
