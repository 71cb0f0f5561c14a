// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/session_maildrop.h"

#include <gtest/gtest.h>

using posada::pop3d::Maildrop;

TEST(Maildrop, CountsWhatIsNotMarked) {
    Maildrop drop;
    drop.add(10, 1);
    drop.add(20, 2);
    drop.add(30, 3);
    EXPECT_EQ(drop.left(), 3U);
    EXPECT_EQ(drop.left_octets(), 60U);
    drop.mark(2);
    drop.mark(2);
    EXPECT_EQ(drop.left(), 2U);
    EXPECT_EQ(drop.left_octets(), 40U);
    EXPECT_FALSE(drop.has(2));
    EXPECT_EQ(drop.marked(), (std::vector<std::uint32_t>{2}));
    drop.unmark_all();
    EXPECT_EQ(drop.left_octets(), 60U);
    EXPECT_TRUE(drop.has(2));
}

TEST(Maildrop, UidlIsUidThenUidvalidityUnlessItHasAnotherOne) {
    Maildrop drop(0x5f0a'0b0c);
    drop.add(1, 1);
    drop.add(1, 0xabc, "from-elsewhere");
    drop.add(1, 0xffff'fffe);
    EXPECT_EQ(drop.uidl(1), "000000015f0a0b0c");
    EXPECT_EQ(drop.uidl(2), "from-elsewhere");
    EXPECT_EQ(drop.uidl(3), "fffffffe5f0a0b0c");
}

TEST(Maildrop, ZeroAndBeyondTheEndAreNoNumbers) {
    Maildrop drop;
    EXPECT_FALSE(drop.has(0));
    EXPECT_FALSE(drop.has(1));
    drop.add(1, 1);
    EXPECT_FALSE(drop.has(0));
    EXPECT_TRUE(drop.has(1));
    EXPECT_FALSE(drop.has(2));
    EXPECT_FALSE(drop.has((std::uint64_t{1} << 32) + 1));
}
