// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/session_maildrop.h"

#include <gtest/gtest.h>

using posada::pop3d::Maildrop;

TEST(Maildrop, CountsWhatIsNotMarked) {
    Maildrop drop;
    drop.add(10, "a");
    drop.add(20, "bb");
    drop.add(30, "");
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

TEST(Maildrop, UidlsAreKeptApart) {
    Maildrop drop;
    drop.add(1, "a");
    drop.add(1, "bb");
    drop.add(1, "ccc");
    EXPECT_EQ(drop.uidl(1), "a");
    EXPECT_EQ(drop.uidl(2), "bb");
    EXPECT_EQ(drop.uidl(3), "ccc");
}

TEST(Maildrop, ZeroAndBeyondTheEndAreNoNumbers) {
    Maildrop drop;
    EXPECT_FALSE(drop.has(0));
    EXPECT_FALSE(drop.has(1));
    drop.add(1, "a");
    EXPECT_FALSE(drop.has(0));
    EXPECT_TRUE(drop.has(1));
    EXPECT_FALSE(drop.has(2));
    EXPECT_FALSE(drop.has((std::uint64_t{1} << 32) + 1));
}
