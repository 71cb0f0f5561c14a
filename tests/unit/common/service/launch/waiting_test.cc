// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/waiting.h"

#include <gtest/gtest.h>

namespace posada::service {
namespace {

TEST(Waiting, TheOldestOfTheBusiestSourceGoes) {
    Waiting waiting;
    waiting.add(1, "one");
    waiting.add(2, "flood");
    waiting.add(3, "flood");
    waiting.add(4, "flood");
    EXPECT_EQ(waiting.oldest_of_busiest("new", 1), 2U);
    waiting.remove(2);
    EXPECT_EQ(waiting.oldest_of_busiest("new", 1), 3U);
}

TEST(Waiting, TheBusiestSourceGetsNoRoomForItself) {
    Waiting waiting;
    for (std::uint64_t id = 1; id < 100; ++id) waiting.add(id, "flood");
    EXPECT_FALSE(waiting.oldest_of_busiest("flood", 1));
    EXPECT_TRUE(waiting.oldest_of_busiest("new", 1));
}

TEST(Waiting, AmongEqualsTheOldestConnectionGoes) {
    Waiting waiting;
    waiting.add(5, "z");
    waiting.add(6, "a");
    waiting.add(7, "m");
    EXPECT_EQ(waiting.oldest_of_busiest("new", 1), 5U);
    EXPECT_FALSE(waiting.oldest_of_busiest("new", 2)) << "one each: no one has taken more than the newcomer would";
    waiting.remove(5);
    EXPECT_EQ(waiting.oldest_of_busiest("new", 1), 6U);
}

TEST(Waiting, WhoLoggedInIsNoLongerAsked) {
    Waiting waiting;
    waiting.add(1, "a");
    waiting.remove(1);
    waiting.remove(1);
    waiting.remove(77);
    EXPECT_FALSE(waiting.oldest_of_busiest("new", 1));
    EXPECT_EQ(waiting.count("a"), 0U);
}

} // namespace
} // namespace posada::service
