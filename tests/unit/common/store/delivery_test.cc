// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/delivery.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::store;
using namespace posada::store::testing;

class DeliveryTest : public ::testing::TestWithParam<DataSync> {
  protected:
    DeliveryTest() : maildir(Maildir::open_or_create(scratch.maildir(), recording_ops())) { recording = {}; }
    void add(DeliveryBatch& batch, const std::string& base, const std::string& text) {
        if (batch.begin(base) && batch.write(text)) (void)batch.end();
    }
    Scratch scratch;
    Result<Maildir> maildir;
};

TEST_P(DeliveryTest, AMessageStandsInNewUnderItsNameWithSizes) {
    DeliveryBatch batch(*maildir, GetParam());
    add(batch, "1.Qa1R1.h", "a: b\n\nc\n");
    const auto done = batch.commit();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_TRUE(done[0].ok());
    EXPECT_EQ(scratch.get("new/1.Qa1R1.h,S=8,W=11"), "a: b\n\nc\n");
    EXPECT_FALSE(scratch.has("tmp/1.Qa1R1.h"));
}

// Readers are sent more than the file holds, and Dovecot's W= does not count that.
TEST_P(DeliveryTest, WithoutABlankLineOrALastLineEndTheNameTellsNoCrlfSize) {
    DeliveryBatch batch(*maildir, GetParam());
    add(batch, "1.Qa1R1.h", "Subject: x\r\n");
    add(batch, "1.Qa1R2.h", "Subject: x\n\nopen");
    for (const Status& status : batch.commit()) EXPECT_TRUE(status.ok());
    EXPECT_TRUE(scratch.has("new/1.Qa1R1.h,S=12"));
    EXPECT_TRUE(scratch.has("new/1.Qa1R2.h,S=16"));
}

TEST_P(DeliveryTest, DataAreDurableBeforeAnyNameAndNamesBeforeTheAnswer) {
    DeliveryBatch batch(*maildir, GetParam());
    for (int i = 0; i < 20; ++i) add(batch, "1.QaR" + std::to_string(i) + ".h", "a: b\n\nc\n");
    (void)batch.commit();
    const auto first = [](const std::string& beginning) {
        return std::find_if(recording.calls.begin(), recording.calls.end(),
                            [&](const auto& c) { return c.starts_with(beginning); });
    };
    EXPECT_EQ(recording.count("write tmp/"), 20U);
    EXPECT_EQ(recording.count("rename tmp/"), 20U);
    EXPECT_EQ(recording.count("fsync tmp/"), GetParam() == DataSync::each_file ? 20U : 0U);
    EXPECT_EQ(recording.count("syncfs"), GetParam() == DataSync::each_file ? 0U : 1U);
    EXPECT_EQ(recording.count("fsync new"), 1U);
    EXPECT_EQ(recording.calls.back(), "fsync new");
    const auto last_data = std::find_if(recording.calls.rbegin(), recording.calls.rend(), [](const auto& c) {
                               return c.starts_with("fsync tmp/") || c == "syncfs";
                           }).base();
    EXPECT_LE(last_data, first("rename"));
}

TEST_P(DeliveryTest, AFullDiskCostsOneMessageNotTheBatch) {
    DeliveryBatch batch(*maildir, GetParam());
    add(batch, "a", "1");
    recording.fail = "write tmp/b";
    recording.fail_errno = ENOSPC;
    add(batch, "b", "2");
    add(batch, "c", "3");
    const auto done = batch.commit();
    ASSERT_EQ(done.size(), 3U);
    EXPECT_TRUE(done[0].ok());
    EXPECT_EQ(done[1].error().code, Errc::no_space);
    EXPECT_TRUE(done[2].ok());
    EXPECT_TRUE(scratch.has("new/a,S=1"));
    EXPECT_FALSE(scratch.has("tmp/b"));
    EXPECT_TRUE(scratch.has("new/c,S=1"));
}

TEST_P(DeliveryTest, AFailedDataSyncPublishesNothing) {
    DeliveryBatch batch(*maildir, GetParam());
    recording.fail = GetParam() == DataSync::each_file ? "fsync tmp/a" : "syncfs";
    add(batch, "a", "1");
    const auto done = batch.commit();
    EXPECT_FALSE(done[0].ok());
    EXPECT_EQ(recording.count("rename"), 0U);
    EXPECT_FALSE(scratch.has("tmp/a"));
    EXPECT_EQ(recording.count("fsync tmp/a") + recording.count("syncfs"), 1U) << "a failed sync is not tried again";
}

// NFS and quotas may say so only then.
TEST_P(DeliveryTest, AFileThatCannotBeClosedIsNotPublished) {
    DeliveryBatch batch(*maildir, GetParam());
    recording.fail = "close tmp/a";
    recording.fail_errno = EDQUOT;
    add(batch, "a", "1");
    EXPECT_EQ(batch.commit()[0].error().code, Errc::no_space);
    EXPECT_EQ(recording.count("rename"), 0U);
}

TEST_P(DeliveryTest, AFailedDirectorySyncIsNoDelivery) {
    DeliveryBatch batch(*maildir, GetParam());
    add(batch, "a", "1");
    recording.fail = "fsync new";
    EXPECT_FALSE(batch.commit()[0].ok());
    recording.fail.clear();
    const std::vector<std::string> bases{"a"};
    EXPECT_EQ(*maildir->find_delivered(bases), (std::vector<bool>{true})) << "the next attempt finds it";
}

TEST_P(DeliveryTest, AFailedRenameFailsThatMessageAlone) {
    DeliveryBatch batch(*maildir, GetParam());
    add(batch, "a", "1");
    add(batch, "b", "2");
    recording.fail = "rename tmp/a";
    const auto done = batch.commit();
    EXPECT_FALSE(done[0].ok());
    EXPECT_TRUE(done[1].ok());
    EXPECT_FALSE(scratch.has("tmp/a"));
}

TEST_P(DeliveryTest, TheRestOfADeadAttemptIsReplaced) {
    scratch.put("tmp/a", "half a mess");
    DeliveryBatch batch(*maildir, GetParam());
    add(batch, "a", "whole");
    EXPECT_TRUE(batch.commit()[0].ok());
    EXPECT_EQ(scratch.get("new/a,S=5"), "whole");
}

TEST_P(DeliveryTest, ALinkInTmpIsReplacedNotWrittenThrough) {
    scratch.put("victim", "keep");
    ASSERT_EQ(::symlink((scratch.maildir() + "/victim").c_str(), (scratch.maildir() + "/tmp/a").c_str()), 0);
    DeliveryBatch batch(*maildir, GetParam());
    add(batch, "a", "mail");
    EXPECT_TRUE(batch.commit()[0].ok());
    EXPECT_EQ(scratch.get("victim"), "keep");
    EXPECT_EQ(scratch.get("new/a,S=4"), "mail");
}

TEST_P(DeliveryTest, AnAbandonedBatchLeavesNothing) {
    {
        DeliveryBatch batch(*maildir, GetParam());
        add(batch, "a", "1");
        ASSERT_TRUE(batch.begin("b").ok());
        ASSERT_TRUE(batch.write("2").ok());
    }
    EXPECT_FALSE(scratch.has("tmp/a"));
    EXPECT_FALSE(scratch.has("tmp/b"));
    EXPECT_EQ(recording.count("rename"), 0U);
}

TEST_P(DeliveryTest, NamesThatLeaveTheFolderAreRefused) {
    DeliveryBatch batch(*maildir, GetParam());
    for (const char* bad : {"", "../x", ".x", "a/b", "a:2,S", "a,S=1"}) EXPECT_FALSE(batch.begin(bad).ok()) << bad;
    for (const Status& status : batch.commit()) EXPECT_EQ(status.error().code, Errc::invalid);
    EXPECT_TRUE(recording.calls.empty());
}

TEST_P(DeliveryTest, AMessageThatIsNotNewGoesIntoCurWithFlagsDateAndFinalName) {
    DeliveryBatch batch(*maildir, GetParam());
    ASSERT_TRUE(batch.begin("9.tmp").ok());
    ASSERT_TRUE(batch.write("a: b\n\nc\n").ok());
    Filing filing;
    filing.base = "1.final";
    filing.into_cur = true;
    filing.flags = "FS";
    filing.received = 1'000'000'000;
    ASSERT_TRUE(batch.end(filing).ok());
    EXPECT_TRUE(batch.commit()[0].ok());
    EXPECT_EQ(scratch.get("cur/1.final,S=8,W=11:2,FS"), "a: b\n\nc\n");
    EXPECT_FALSE(scratch.has("tmp/9.tmp"));
    struct stat st {};
    ASSERT_EQ(::stat((scratch.maildir() + "/cur/1.final,S=8,W=11:2,FS").c_str(), &st), 0);
    EXPECT_EQ(st.st_mtime, 1'000'000'000);
    EXPECT_EQ(recording.calls.back(), "fsync cur");
    EXPECT_EQ(recording.count("fsync new"), 0U);
}

TEST_P(DeliveryTest, AFinalNameThatIsNoneFailsItsMessageOnly) {
    DeliveryBatch batch(*maildir, GetParam());
    ASSERT_TRUE(batch.begin("9.tmp").ok());
    Filing filing;
    filing.base = "../x";
    EXPECT_FALSE(batch.end(filing).ok());
    add(batch, "2.good", "a: b\n\n");
    const auto done = batch.commit();
    ASSERT_EQ(done.size(), 2U);
    EXPECT_FALSE(done[0].ok());
    EXPECT_TRUE(done[1].ok());
    EXPECT_FALSE(scratch.has("tmp/9.tmp"));
}

INSTANTIATE_TEST_SUITE_P(Strategies, DeliveryTest, ::testing::Values(DataSync::each_file, DataSync::whole_filesystem),
                         [](const auto& p) { return p.param == DataSync::each_file ? "EachFile" : "WholeFilesystem"; });
