// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/session_lock.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "common/store/delivery.h"
#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::store;
using namespace posada::store::testing;

class SessionLockTest : public ::testing::Test {
  protected:
    SessionLockTest() : maildir(Maildir::open_or_create(scratch.maildir())) {}
    Scratch scratch;
    Result<Maildir> maildir;
};

TEST_F(SessionLockTest, ASecondSessionIsTurnedAwayAfterTheWait) {
    const auto first = SessionLock::acquire(*maildir, Millis(0));
    ASSERT_TRUE(first.ok());
    const SystemClock clock;
    const Instant began = clock.now();
    const auto second = SessionLock::acquire(*maildir, Millis(120));
    EXPECT_GE((clock.now() - began).count(), 120);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, Errc::in_use);
}

TEST_F(SessionLockTest, AWaitingSessionGetsItWhenTheFirstEnds) {
    std::optional<Result<SessionLock>> first = SessionLock::acquire(*maildir, Millis(0));
    std::thread ender([&] {
        std::this_thread::sleep_for(Millis(50));
        first.reset();
    });
    EXPECT_TRUE(SessionLock::acquire(*maildir, Seconds(10)).ok());
    ender.join();
}

TEST_F(SessionLockTest, DeliveryDoesNotWaitForIt) {
    const auto lock = SessionLock::acquire(*maildir, Millis(0));
    DeliveryBatch batch(*maildir, DataSync::each_file);
    ASSERT_TRUE(batch.begin("a").ok());
    ASSERT_TRUE(batch.write("x").ok());
    EXPECT_TRUE(batch.commit()[0].ok());
}

TEST_F(SessionLockTest, ALinkInItsPlaceIsNotFollowed) {
    ASSERT_EQ(::symlink("/tmp/elsewhere", (scratch.maildir() + "/" + session_lock_name).c_str()), 0);
    EXPECT_FALSE(SessionLock::acquire(*maildir, Millis(0)).ok());
}
