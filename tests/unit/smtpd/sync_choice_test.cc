// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/sync_choice.h"

#include <gtest/gtest.h>

namespace posada::smtpd {
namespace {

using store::DataSync;

TEST(SyncChoice, AFewMessagesWaitForThemselvesOnly) {
    SyncChoice choice;
    for (const std::size_t n : {1U, 2U, 3U}) EXPECT_EQ(choice.choose(n), DataSync::each_file);
}

TEST(SyncChoice, ALargeBatchIsNeverTheTrial) {
    SyncChoice choice;
    EXPECT_EQ(choice.choose(100), DataSync::whole_filesystem);
    choice.measured(DataSync::whole_filesystem, 100, 50'000);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(choice.choose(100), DataSync::whole_filesystem);
    EXPECT_EQ(choice.choose(10), DataSync::each_file);
}

TEST(SyncChoice, TheFasterWayIsTakenAndTheOtherTriedNowAndThen) {
    SyncChoice choice;
    choice.measured(DataSync::whole_filesystem, 10, 1'000);
    choice.measured(DataSync::each_file, 10, 10'000);
    int each = 0;
    for (int i = 0; i < 640; ++i) each += choice.choose(10) == DataSync::each_file ? 1 : 0;
    EXPECT_EQ(each, 10);
}

TEST(SyncChoice, WhenOthersFloodTheDiskItStopsWaitingForThem) {
    SyncChoice choice;
    choice.measured(DataSync::whole_filesystem, 100, 3'000'000);
    EXPECT_EQ(choice.choose(100), DataSync::each_file);
    choice.measured(DataSync::each_file, 100, 500'000);
    EXPECT_EQ(choice.choose(100), DataSync::each_file);
}

} // namespace
} // namespace posada::smtpd
