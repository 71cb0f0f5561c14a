// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/parked_secret.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace posada::auth {
namespace {

TEST(ParkedSecret, ComesBackOnce) {
    ParkedSecret parked;
    ASSERT_TRUE(parked.park(Secret("hungry")));
    EXPECT_EQ(parked.take().view(), "hungry");
    EXPECT_TRUE(parked.take().empty());
    ASSERT_TRUE(parked.park(Secret("a")));
    ASSERT_TRUE(parked.park(Secret("bc")));
    EXPECT_EQ(parked.take().view(), "bc");
}

TEST(ParkedSecret, IsWipedInAForkedChild) {
    ParkedSecret parked;
    ASSERT_TRUE(parked.park(Secret("hungry-dog")));
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(parked.take().view().find_first_not_of('\0') == std::string_view::npos ? 0 : 1);
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(parked.take().view(), "hungry-dog") << "the parent still has it";
}

TEST(ParkedSecret, MoreThanAPageIsRefused) {
    ParkedSecret parked;
    EXPECT_TRUE(parked.park(Secret(std::string(4096, 'x'))));
    EXPECT_FALSE(parked.park(Secret(std::string(4097, 'x'))));
    EXPECT_TRUE(parked.take().empty());
}

} // namespace
} // namespace posada::auth
