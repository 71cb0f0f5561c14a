// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/limits.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace posada::service {
namespace {

LimitConfig small() {
    LimitConfig config;
    config.total = 6;
    config.per_service = 5;
    config.per_source = 2;
    return config;
}

Instant at(std::int64_t ms) { return Instant(Millis(ms)); }

TEST(Limits, OneSourceDoesNotKeepASecondOut) {
    auto limits = Limits::open("", "pop3d", small());
    ASSERT_TRUE(limits);
    EXPECT_FALSE(limits->admit("a", at(0)).refused);
    EXPECT_FALSE(limits->admit("a", at(0)).refused);
    EXPECT_EQ(limits->admit("a", at(0)).refused, Refused::per_source);
    EXPECT_FALSE(limits->admit("b", at(0)).refused);
}

TEST(Limits, ReleaseMakesRoom) {
    auto limits = Limits::open("", "pop3d", small());
    const auto first = limits->admit("a", at(0));
    EXPECT_FALSE(limits->admit("a", at(0)).refused);
    limits->release(first.slot);
    EXPECT_FALSE(limits->admit("a", at(0)).refused);
    EXPECT_TRUE(limits->admit("a", at(0)).refused);
}

TEST(Limits, ServiceAndTotalCountSeparately) {
    const std::string path = ::testing::TempDir() + "posada-limits-" + std::to_string(::getpid());
    auto pop = Limits::open(path, "pop3d", small());
    auto smtp = Limits::open(path, "smtpd", small());
    ASSERT_TRUE(pop && smtp);
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(pop->admit(std::to_string(i), at(0)).refused);
    EXPECT_EQ(pop->admit("x", at(0)).refused, Refused::per_service);
    EXPECT_FALSE(smtp->admit("x", at(0)).refused);
    EXPECT_EQ(smtp->admit("y", at(0)).refused, Refused::total);
    struct stat st {};
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600U);
    ::unlink(path.c_str());
}

TEST(Limits, SlotsOfAKilledLauncherAreReclaimed) {
    const std::string path = ::testing::TempDir() + "posada-limits-dead-" + std::to_string(::getpid());
    auto limits = Limits::open(path, "pop3d", small());
    ASSERT_TRUE(limits);
    const pid_t child = ::fork();
    if (child == 0) {
        auto own = Limits::open(path, "pop3d", small());
        own->admit("a", at(0));
        own->admit("a", at(0));
        ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_FALSE(limits->admit("a", at(0)).refused);
    ::unlink(path.c_str());
}

TEST(Limits, SlotsOfAKilledLauncherMakeRoomForARenamedConnection) {
    const std::string path = ::testing::TempDir() + "posada-limits-named-" + std::to_string(::getpid());
    auto limits = Limits::open(path, "pop3d", small());
    const auto mine = limits->admit("proxy 1", at(0));
    const pid_t child = ::fork();
    if (child == 0) {
        auto own = Limits::open(path, "pop3d", small());
        own->admit("a", at(0));
        own->admit("a", at(0));
        ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_FALSE(limits->rename(mine.slot, "a", at(0)));
    ::unlink(path.c_str());
}

TEST(Limits, APenaltyDoublesToItsMaximumAndFades) {
    auto limits = Limits::open("", "pop3d", small());
    EXPECT_EQ(limits->penalise("a", at(0)), Millis(2'000));
    EXPECT_EQ(limits->admit("a", at(1'999)).refused, Refused::penalty);
    EXPECT_FALSE(limits->admit("b", at(1'999)).refused);
    EXPECT_FALSE(limits->admit("a", at(2'000)).refused);
    EXPECT_EQ(limits->penalise("a", at(2'000)), Millis(4'000));
    for (int i = 0; i < 10; ++i) limits->penalise("a", at(2'000));
    EXPECT_EQ(limits->penalise("a", at(2'000)), Millis(60'000));
    EXPECT_EQ(limits->penalise("a", at(62'000 + 60'001)), Millis(2'000));
}

TEST(Limits, AFullTableOfPenaltiesIsPermissiveAndItsOldPlacesAreTakenAgain) {
    constexpr int places = 4'096;
    auto limits = Limits::open("", "pop3d", small());
    for (int i = 0; i < places; ++i) ASSERT_EQ(limits->penalise("s" + std::to_string(i), at(0)), Millis(2'000));
    EXPECT_EQ(limits->penalise("late", at(0)), Millis(0));
    EXPECT_FALSE(limits->admit("late", at(1)).refused);
    EXPECT_EQ(limits->admit("s4095", at(1)).refused, Refused::penalty);
    EXPECT_EQ(limits->penalise("late", at(2'000 + 60'001)), Millis(2'000));
    EXPECT_EQ(limits->admit("late", at(2'000 + 60'002)).refused, Refused::penalty);
}

// A proxy has named its client.
TEST(Limits, ARenamedConnectionCountsForItsNewSource) {
    auto limits = Limits::open("", "pop3d", small());
    const auto first = limits->admit("proxy 1", at(0));
    const auto second = limits->admit("proxy 2", at(0));
    const auto third = limits->admit("proxy 3", at(0));
    EXPECT_FALSE(limits->rename(first.slot, "a", at(0)));
    EXPECT_FALSE(limits->rename(second.slot, "a", at(0)));
    EXPECT_EQ(limits->rename(third.slot, "a", at(0)), Refused::per_source);
    EXPECT_EQ(limits->admit("a", at(0)).refused, Refused::per_source);
    limits->penalise("b", at(0));
    EXPECT_EQ(limits->rename(third.slot, "b", at(1'999)), Refused::penalty);
    EXPECT_FALSE(limits->rename(third.slot, "b", at(2'000)));
}

TEST(Limits, ASlotThatIsAnothersIsNotReleased) {
    const std::string path = ::testing::TempDir() + "posada-limits-other-" + std::to_string(::getpid());
    LimitConfig config = small();
    config.per_source = 1;
    auto limits = Limits::open(path, "pop3d", config);
    const auto mine = limits->admit("a", at(0));
    const pid_t child = ::fork();
    if (child == 0) {
        Limits::open(path, "pop3d", config)->release(mine.slot);
        ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_EQ(limits->admit("a", at(0)).refused, Refused::per_source);
    limits->release(1'000'000); // nor one that does not exist
    ::unlink(path.c_str());
}

TEST(Limits, TheTableHasAnEndWhateverTheConfigurationPermits) {
    constexpr std::uint32_t places = 16'384;
    LimitConfig config;
    config.total = config.per_service = config.per_source = 2 * places;
    auto limits = Limits::open("", "pop3d", config);
    for (std::uint32_t i = 0; i < places; ++i) ASSERT_EQ(limits->admit("a", at(0)).slot, i);
    EXPECT_EQ(limits->admit("a", at(0)).refused, Refused::total);
    limits->release(7);
    EXPECT_EQ(limits->admit("a", at(0)).slot, 7U);
}

} // namespace
} // namespace posada::service
