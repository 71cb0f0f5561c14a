// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/quota.h"

#include <gtest/gtest.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "common/store/mailbox.h"
#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::store;
using namespace posada::store::testing;

namespace {

constexpr UnixTime now = 1'800'000'000;

struct QuotaTest : ::testing::Test {
    Scratch scratch;
    Result<Maildir> opened = Maildir::open_or_create(scratch.maildir());
    Maildir& maildir = *opened;

    void folder(const std::string& name) const {
        for (const char* part : {"", "/new", "/cur", "/tmp"})
            ASSERT_EQ(::mkdir((scratch.maildir() + "/" + name + part).c_str(), 0700), 0);
    }
    // Makes the file older than now by so many seconds.
    void age(std::int64_t seconds) const {
        const timeval times[2] = {{now - seconds, 0}, {now - seconds, 0}};
        ASSERT_EQ(::utimes((scratch.maildir() + "/maildirsize").c_str(), times), 0);
    }
    QuotaUsage loaded(QuotaLimits limits) const {
        Quota quota(maildir, limits);
        const Status done = quota.load();
        EXPECT_TRUE(done.ok());
        return quota.used();
    }
};

} // namespace

TEST_F(QuotaTest, AMissingFileIsMadeByCounting) {
    scratch.put("new/1.a,S=1000", "the name says it");
    scratch.put("cur/2.b:2,S", "seven..");
    const QuotaUsage used = loaded({5'000, 10});
    EXPECT_EQ(used.octets, 1'007U);
    EXPECT_EQ(used.messages, 2U);
    EXPECT_EQ(scratch.get("maildirsize"), "5000S,10C\n1007 2\n");
    EXPECT_FALSE(scratch.has("tmp/maildirsize.P" + std::to_string(::getpid())));
}

TEST_F(QuotaTest, EveryFolderCountsAndTrashToo) {
    folder(".Sent");
    folder(".Trash");
    folder("no-folder");
    scratch.put(".Sent/cur/1.a,S=10:2,S", "");
    scratch.put(".Trash/new/1.b,S=20", "");
    scratch.put("no-folder/new/1.c,S=40", "");
    scratch.put("tmp/1.d,S=80", "");
    scratch.put("new/.hidden,S=160", "");
    scratch.put(".a-file", "no folder either");
    ASSERT_EQ(::symlink("/", (scratch.maildir() + "/.Link").c_str()), 0);
    EXPECT_EQ(loaded({1'000, 0}).octets, 30U);
    EXPECT_EQ(scratch.get("maildirsize"), "1000S\n30 2\n");
}

TEST_F(QuotaTest, AMessageThatMovesFromNewToCurWhileItIsCountedCountsOnce) {
    scratch.put("new/1.a,S=10", "");
    scratch.put("cur/1.a,S=10:2,S", "");
    EXPECT_EQ(loaded({1'000, 0}).messages, 1U);
}

TEST_F(QuotaTest, WhatOtherProgramsWroteIsSummed) {
    scratch.put("maildirsize", "1048576S,1000C\n       12345           3\n-345 -1\n  1000 1  \n");
    const QuotaUsage used = loaded({1'048'576, 1'000});
    EXPECT_EQ(used.octets, 13'000U);
    EXPECT_EQ(used.messages, 3U);
    scratch.put("maildirsize", "1000C,1048576S\n5 1\n");
    EXPECT_EQ(loaded({1'048'576, 1'000}).octets, 5U) << "either order";
}

TEST_F(QuotaTest, AFileThatCannotBeRightIsReplaced) {
    for (const char* text : {"", "1000S", "1000S\n5 1", "1000S\n5\n", "1000S\n5 x\n", "1000S\n-5 -1\n", "1000S\n5 -1\n",
                             "xS\n5 1\n", "1000S\n99999999999999999999 1\n", "1000S\n9223372036854775807 1\n1 1\n"}) {
        scratch.put("maildirsize", text);
        EXPECT_EQ(loaded({1'000, 0}).octets, 0U) << text;
        EXPECT_EQ(scratch.get("maildirsize"), "1000S\n0 0\n") << text;
    }
}

TEST_F(QuotaTest, ChangedLimitsCountAnew) {
    scratch.put("maildirsize", "1000S\n77 7\n");
    EXPECT_EQ(loaded({2'000, 0}).octets, 0U);
    EXPECT_EQ(scratch.get("maildirsize"), "2000S\n0 0\n");
}

TEST_F(QuotaTest, AFileOfMoreThan5120OctetsIsCountedAnew) {
    std::string text = "1000S\n";
    while (text.size() + 4 <= max_quota_file) text += "1 1\n";
    scratch.put("maildirsize", text);
    EXPECT_NE(loaded({1'000, 0}).messages, 0U) << text.size();
    scratch.put("maildirsize", text + "1 1\n1 1\n");
    EXPECT_EQ(loaded({1'000, 0}).messages, 0U);
}

TEST_F(QuotaTest, WithoutLimitsNothingIsCountedOrWritten) {
    Quota quota(maildir, {});
    ASSERT_TRUE(quota.load().ok());
    EXPECT_TRUE(quota.fits(UINT64_MAX));
    EXPECT_FALSE(scratch.has("maildirsize"));
}

TEST_F(QuotaTest, ExactlyFullIsNotOver) {
    scratch.put("maildirsize", "1000S,5C\n900 4\n");
    Quota quota(maildir, {1'000, 5});
    ASSERT_TRUE(quota.load().ok());
    EXPECT_TRUE(quota.fits(100));
    EXPECT_FALSE(quota.fits(101));
    EXPECT_FALSE(quota.fits(UINT64_MAX));
    quota.reserve(1);
    EXPECT_FALSE(quota.fits(1)) << "five messages are there";
    quota.release(1);
    EXPECT_TRUE(quota.fits(1));
}

TEST_F(QuotaTest, AChangeIsOneLineMore) {
    scratch.put("maildirsize", "1000S\n900 4\n");
    note_quota_change(maildir, 50, 1);
    note_quota_change(maildir, -900, -4);
    EXPECT_EQ(scratch.get("maildirsize"), "1000S\n900 4\n50 1\n-900 -4\n");
    EXPECT_EQ(loaded({1'000, 0}).octets, 50U);
}

TEST_F(QuotaTest, NobodyMakesTheFileToNoteAChange) {
    note_quota_change(maildir, 50, 1);
    EXPECT_FALSE(scratch.has("maildirsize"));
}

TEST_F(QuotaTest, AFileThatIsFullOrNoFileIsRemovedSoThatSomebodyCounts) {
    scratch.put("maildirsize", "1000S\n" + std::string(max_quota_file - 12, '\n'));
    note_quota_change(maildir, 12'345, 1);
    EXPECT_FALSE(scratch.has("maildirsize"));
    scratch.put("elsewhere", "x");
    ASSERT_EQ(::symlink("elsewhere", (scratch.maildir() + "/maildirsize").c_str()), 0);
    note_quota_change(maildir, 50, 1);
    EXPECT_FALSE(scratch.has("maildirsize"));
    EXPECT_EQ(scratch.get("elsewhere"), "x") << "a symbolic link is not followed";
}

TEST_F(QuotaTest, AChangeThatCannotBeWrittenRemovesTheFile) {
    const auto recorded = Maildir::open_or_create(scratch.maildir(), recording_ops());
    scratch.put("maildirsize", "1000S\n900 4\n");
    recording.fail = "write maildirsize";
    recording.fail_errno = ENOSPC;
    note_quota_change(*recorded, 50, 1);
    EXPECT_FALSE(scratch.has("maildirsize"));
}

TEST_F(QuotaTest, AFullDiskDoesNotLookLikeAFullMailbox) {
    const auto recorded = Maildir::open_or_create(scratch.maildir(), recording_ops());
    for (const char* call : {"create tmp/maildirsize", "write tmp/maildirsize", "rename tmp/maildirsize"}) {
        recording.fail = call;
        recording.fail_errno = ENOSPC;
        Quota quota(*recorded, {1'000, 0});
        EXPECT_TRUE(quota.load().ok()) << call;
        EXPECT_TRUE(quota.fits(1'000)) << call;
        recording.fail.clear();
        EXPECT_TRUE(std::filesystem::is_empty(scratch.maildir() + "/tmp")) << call;
    }
}

TEST_F(QuotaTest, AFullMailboxIsCountedAgainWhenTheFileIsOld) {
    scratch.put("maildirsize", "1000S\n1000 4\n");
    age(quota_stale_after.count());
    Quota young(maildir, {1'000, 0});
    ASSERT_TRUE(young.load().ok());
    EXPECT_FALSE(*young.recount_if_stale(now));
    age(quota_stale_after.count() + 1);
    Quota old(maildir, {1'000, 0});
    ASSERT_TRUE(old.load().ok());
    EXPECT_FALSE(old.fits(1));
    EXPECT_TRUE(*old.recount_if_stale(now));
    EXPECT_TRUE(old.fits(1));
    EXPECT_FALSE(*old.recount_if_stale(now)) << "once is enough";
}

TEST_F(QuotaTest, LinesOfManyProcessesDoNotMix) {
    scratch.put("maildirsize", "1000S\n0 0\n");
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            for (int n = 0; n < 40; ++n) note_quota_change(maildir, 1'000 + i, 1);
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
    const QuotaUsage used = loaded({1'000, 0});
    EXPECT_EQ(used.messages, 320U);
    EXPECT_EQ(used.octets, 320'000U + 40 * 28);
}

TEST_F(QuotaTest, WhatASessionRemovesIsSubtracted) {
    scratch.put("new/1.a,S=100", "the name counts");
    scratch.put("cur/2.b:2,S", "seven..");
    scratch.put("maildirsize", "1000S\n107 2\n");
    auto mailbox = Mailbox::open(maildir, MailboxLimits{});
    ASSERT_TRUE(mailbox.ok());
    ASSERT_TRUE(mailbox->remove(0).ok());
    ASSERT_TRUE(mailbox->remove(1).ok());
    ASSERT_TRUE(mailbox->sync().ok());
    ASSERT_TRUE(mailbox->sync().ok()) << "noted once";
    EXPECT_EQ(scratch.get("maildirsize"), "1000S\n107 2\n-107 -2\n");
}
