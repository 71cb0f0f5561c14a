// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/progress.h"

#include <gtest/gtest.h>

namespace posada::ftp {

TEST(Progress, ShowsHowMuchHowFastAndHowLong) {
    const Progress half{0, 5 * 1024 * 1024, 10 * 1024 * 1024, Millis(1000), Millis(0)};
    EXPECT_EQ(progress_line(half, 56), "50% |*****     | 5.0 MiB  5.0 MiB/s  00:01 ETA");
}

TEST(Progress, TheRateIsOfWhatCameThisTime) {
    const Progress resumed{512, 256, 1024, Millis(1000), Millis(0)};
    EXPECT_EQ(progress_line(resumed, 40), "75% 768 B  256 B/s  00:01 ETA");
}

TEST(Progress, WithoutASizeItShowsTheTimeGone) {
    const Progress unknown{0, 100, 0, Millis(3'661'000), Millis(0)};
    EXPECT_EQ(progress_line(unknown, 80), "100 B  0 B/s  1:01:01");
}

TEST(Progress, SaysThatNothingComes) {
    Progress still{0, 100, 1000, Millis(10'000), stall_after};
    EXPECT_NE(progress_line(still, 80).find("stalled"), std::string::npos);
    still.idle -= Millis(1);
    EXPECT_EQ(progress_line(still, 80).find("stalled"), std::string::npos);
}

TEST(Progress, FitsWhateverTheTerminalAndTheServerSay) {
    const Progress more{~0ULL - 1, 1, 5, Millis(0), Millis(0)}; // more than there is: no percentage
    EXPECT_EQ(progress_line(more, 80).find('%'), std::string::npos);
    for (std::size_t width : {0U, 1U, 10U, 50U, 51U, 52U, 500U})
        EXPECT_LE(progress_line({0, 5, 10, Millis(1), Millis(0)}, width).size(), width);
}

TEST(Progress, SizesAreShort) {
    EXPECT_EQ(short_size(1023), "1023 B");
    EXPECT_EQ(short_size(1536), "1.5 KiB");
    EXPECT_EQ(short_size(~0ULL), "16777216.0 TiB");
}

} // namespace posada::ftp
