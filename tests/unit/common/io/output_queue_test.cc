// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/output_queue.h"

#include "tests/unit/common/io/stream_fixture.h"

namespace posada::io {
namespace {

using test::memory_file;
using test::pattern;

TEST(OutputQueue, small_writes_gather_in_one_block) {
    OutputQueue q;
    for (int i = 0; i < 100; ++i) q.add("abc");
    EXPECT_EQ(q.front().rest().size(), 300U);
    EXPECT_FALSE(q.more_after_front());
}

TEST(OutputQueue, sent_bytes_leave_from_the_front) {
    OutputQueue q;
    q.add("abcdef");
    q.sent(2);
    EXPECT_EQ(q.front().rest(), "cdef");
    EXPECT_EQ(q.size(), 4U);
    q.sent(4);
    EXPECT_TRUE(q.empty());
    EXPECT_EQ(q.size(), 0U);
}

TEST(OutputQueue, a_small_file_joins_the_bytes_around_it) {
    OutputQueue q;
    q.add("<");
    ASSERT_TRUE(q.add_file(memory_file("0123456789"), 2, 3).ok());
    q.add(">");
    EXPECT_EQ(q.front().rest(), "<234>");
    EXPECT_FALSE(q.more_after_front());
}

TEST(OutputQueue, a_large_file_is_a_block_of_its_own) {
    OutputQueue q;
    ASSERT_TRUE(q.add_file(memory_file(pattern(100'000)), 10, 90'000).ok());
    q.add("tail");
    ASSERT_TRUE(q.front().is_file());
    q.sent(89'999);
    EXPECT_EQ(q.front().offset, 90'009U);
    EXPECT_EQ(q.size(), 5U);
    q.sent(1);
    EXPECT_EQ(q.front().rest(), "tail");
}

TEST(OutputQueue, refuses_a_small_file_that_is_too_short) {
    OutputQueue q;
    EXPECT_EQ(q.add_file(memory_file("abc"), 1, 3).error().code, Errc::corrupt);
    EXPECT_TRUE(q.empty());
    EXPECT_TRUE(q.add_file(memory_file("abc"), 0, 0).ok());
    EXPECT_TRUE(q.empty());
}

} // namespace
} // namespace posada::io
