// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/login_times.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace posada;
using namespace posada::pop3d;

namespace {
Instant at(std::int64_t seconds) { return Instant(Millis(seconds * 1000)); }
constexpr Millis minute{60'000};
} // namespace

TEST(LoginTimes, ASecondLoginWaitsForTheDelayOfTheFirst) {
    auto times = LoginTimes::open("");
    ASSERT_TRUE(times.ok());
    EXPECT_TRUE(times->admit("lir", at(1000), minute));
    EXPECT_FALSE(times->admit("lir", at(1059), minute));
    EXPECT_TRUE(times->admit("daniel", at(1059), minute));
    EXPECT_TRUE(times->admit("lir", at(1060), minute)) << "a refused login does not begin the time anew";
    EXPECT_FALSE(times->admit("lir", at(1061), minute));
}

TEST(LoginTimes, ATimeOfAnEarlierBootIsNone) {
    auto times = LoginTimes::open("");
    EXPECT_TRUE(times->admit("lir", at(90'000), minute));
    EXPECT_TRUE(times->admit("lir", at(5), minute));
    EXPECT_FALSE(times->admit("lir", at(6), minute));
}

TEST(LoginTimes, AFullTableRefusesNobodyNew) {
    auto times = LoginTimes::open("");
    const int most = static_cast<int>(2 * LoginTimes::rows * LoginTimes::places);
    int refused = 0;
    for (int i = 0; i < most; ++i)
        if (!times->admit("user" + std::to_string(i), at(1000 + i / 10'000), minute)) ++refused;
    EXPECT_EQ(refused, 0);
    EXPECT_FALSE(times->admit("user" + std::to_string(most - 1), at(1020), minute)) << "the latest are known";
}

TEST(LoginTimes, LaunchersShareAFileThatOthersCannotRead) {
    char path[] = "/tmp/posada-login-times-XXXXXX";
    ASSERT_GE(::mkstemp(path), 0);
    ::unlink(path);
    auto one = LoginTimes::open(path);
    auto two = LoginTimes::open(path);
    ASSERT_TRUE(one.ok() && two.ok());
    struct stat st {};
    ASSERT_EQ(::stat(path, &st), 0);
    EXPECT_EQ(st.st_mode & 0777U, 0600U);
    EXPECT_TRUE(one->admit("lir", at(1000), minute));
    EXPECT_FALSE(two->admit("lir", at(1001), minute));
    ::unlink(path);
}
