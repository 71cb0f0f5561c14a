// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/maildir.h"

#include <gtest/gtest.h>
#include <utime.h>

#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::store;
using namespace posada::store::testing;

TEST(Maildir, IsMadeWithItsThreeFoldersForTheOwnerAlone) {
    const Scratch scratch;
    ASSERT_TRUE(Maildir::open_or_create(scratch.maildir()).ok());
    for (const char* folder : {"", "/tmp", "/new", "/cur"}) {
        struct stat st {};
        ASSERT_EQ(::stat((scratch.maildir() + folder).c_str(), &st), 0);
        EXPECT_EQ(st.st_mode & 07777, 0700U) << folder;
    }
    EXPECT_TRUE(Maildir::open(scratch.maildir()).ok());
}

TEST(Maildir, TmpIsMadeAfterTheRestIsDurable) {
    const Scratch scratch;
    ASSERT_TRUE(Maildir::open_or_create(scratch.maildir(), recording_ops()).ok());
    const std::vector<std::string> expected{"mkdir Maildir", "mkdir new",      "mkdir cur",
                                            "fsync .",       "fsync (parent)", "mkdir tmp"};
    EXPECT_EQ(recording.calls, expected);
    recording = {};
    ASSERT_TRUE(Maildir::open_or_create(scratch.maildir(), recording_ops()).ok());
    EXPECT_TRUE(recording.calls.empty()) << "nothing is made twice";
}

TEST(Maildir, AnInterruptedCreationIsCompletedAndSynced) {
    const Scratch scratch;
    ASSERT_EQ(::mkdir(scratch.maildir().c_str(), 0700), 0);
    ASSERT_TRUE(Maildir::open_or_create(scratch.maildir(), recording_ops()).ok());
    EXPECT_EQ(recording.count("fsync"), 2U);
    EXPECT_TRUE(scratch.has("tmp"));
}

TEST(Maildir, ASymbolicLinkIsNotFollowed) {
    const Scratch scratch;
    ASSERT_EQ(::symlink("/etc", scratch.maildir().c_str()), 0);
    const auto opened = Maildir::open_or_create(scratch.maildir());
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, Errc::invalid);
    EXPECT_NE(opened.error().text.find("symbolic link"), std::string::npos);
}

TEST(Maildir, ALinkInPlaceOfAFolderIsNotFollowed) {
    const Scratch scratch;
    ASSERT_TRUE(Maildir::open_or_create(scratch.maildir()).ok());
    ASSERT_EQ(::rmdir((scratch.maildir() + "/cur").c_str()), 0);
    ASSERT_EQ(::symlink("/etc", (scratch.maildir() + "/cur").c_str()), 0);
    EXPECT_FALSE(Maildir::open(scratch.maildir()).ok());
}

TEST(Maildir, AbsentIsNotFound) {
    const Scratch scratch;
    EXPECT_EQ(Maildir::open(scratch.maildir()).error().code, Errc::not_found);
    EXPECT_EQ(Maildir::open_or_create(scratch.directory() + "/no/Maildir").error().code, Errc::not_found);
}

TEST(Maildir, EarlierDeliveriesAreFoundInBothFoldersWithAnyFlags) {
    const Scratch scratch;
    const auto maildir = Maildir::open_or_create(scratch.maildir(), recording_ops());
    ASSERT_TRUE(maildir.ok());
    scratch.put("new/1.Qa1R1.h,S=3,W=4", "x");
    scratch.put("cur/1.Qa1R2.h,S=3:2,S", "x");
    scratch.put("cur/1.Qa1R3.h:2,", "x");
    scratch.put("tmp/1.Qa1R4.h", "x");
    scratch.put("new/1.Qa1R55.h", "x");
    const std::vector<std::string> bases{"1.Qa1R1.h", "1.Qa1R2.h", "1.Qa1R3.h", "1.Qa1R4.h", "1.Qa1R5"};
    recording = {};
    const auto found = maildir->find_delivered(bases);
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(*found, (std::vector<bool>{true, true, true, false, false}));
    EXPECT_EQ(recording.calls, (std::vector<std::string>{"fsync new", "fsync cur"})) << "found means durable";
}

TEST(Maildir, NothingFoundNeedsNoSync) {
    const Scratch scratch;
    const auto maildir = Maildir::open_or_create(scratch.maildir(), recording_ops());
    recording = {};
    const std::vector<std::string> bases{"1.Qa1R1.h"};
    EXPECT_EQ(*maildir->find_delivered(bases), (std::vector<bool>{false}));
    EXPECT_TRUE(recording.calls.empty());
}

TEST(Maildir, AFailedSyncIsNotADeliveredMessage) {
    const Scratch scratch;
    const auto maildir = Maildir::open_or_create(scratch.maildir(), recording_ops());
    scratch.put("new/a", "x");
    recording.fail = "fsync new";
    const std::vector<std::string> bases{"a"};
    EXPECT_FALSE(maildir->find_delivered(bases).ok());
}

TEST(Maildir, TemporaryFilesAreRemovedAfterThirtySixHours) {
    const Scratch scratch;
    const auto maildir = Maildir::open_or_create(scratch.maildir());
    const UnixTime now = 1'800'000'000;
    scratch.put("tmp/old", "x");
    scratch.put("tmp/young", "x");
    const utimbuf old{now - 36 * 3600 - 1, now - 36 * 3600 - 1};
    const utimbuf young{now - 36 * 3600, now - 36 * 3600};
    ASSERT_EQ(::utime((scratch.maildir() + "/tmp/old").c_str(), &old), 0);
    ASSERT_EQ(::utime((scratch.maildir() + "/tmp/young").c_str(), &young), 0);
    const auto removed = maildir->remove_stale_temp(now);
    ASSERT_TRUE(removed.ok());
    EXPECT_EQ(*removed, 1U);
    EXPECT_FALSE(scratch.has("tmp/old"));
    EXPECT_TRUE(scratch.has("tmp/young"));
}
