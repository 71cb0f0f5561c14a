// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/mailbox.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::store;
using namespace posada::store::testing;

constexpr std::size_t no_limit = 1'000'000;

class MailboxTest : public ::testing::Test {
  protected:
    MailboxTest() : maildir(Maildir::open_or_create(scratch.maildir(), recording_ops())) { recording = {}; }
    Mailbox open(std::size_t limit = no_limit) {
        auto box = Mailbox::open(*maildir, {limit, Millis(100)});
        EXPECT_TRUE(box.ok());
        return std::move(*box);
    }
    void rename(const std::string& from, const std::string& to) {
        ASSERT_EQ(::rename((scratch.maildir() + "/" + from).c_str(), (scratch.maildir() + "/" + to).c_str()), 0);
    }
    static std::vector<std::string> uidls(const Mailbox& box) {
        std::vector<std::string> out;
        for (std::size_t i = 0; i < box.messages().size(); ++i) out.push_back(box.uidl(i));
        return out;
    }
    static std::vector<std::string> names(const Mailbox& box) {
        std::vector<std::string> out;
        for (std::size_t i = 0; i < box.messages().size(); ++i)
            out.push_back(std::string(box.name(i).substr(0, box.messages()[i].base_size)));
        return out;
    }
    Scratch scratch;
    Result<Maildir> maildir;
};

TEST_F(MailboxTest, MessagesOfBothFoldersInOrderOfArrival) {
    scratch.put("cur/300.c:2,S", "a: b\n\n");
    scratch.put("new/100.a", "a: b\n\n");
    scratch.put("new/20.z", "a: b\n\n");
    scratch.put("cur/100.b:2,", "a: b\n\n");
    EXPECT_EQ(names(open()), (std::vector<std::string>{"20.z", "100.a", "100.b", "300.c"}));
}

TEST_F(MailboxTest, SizesComeFromTheNameOrFromReadingOnce) {
    scratch.put("new/1.a,S=8,W=4711", "a: b\n\nc\n");
    scratch.put("new/2.b", "a: b\n\nc\n");
    scratch.put("new/3.c", "Subject: no end");
    const Mailbox box = open();
    ASSERT_EQ(box.messages().size(), 3U);
    EXPECT_EQ(box.messages()[0].octets, 4711U);
    EXPECT_EQ(box.messages()[1].octets, 11U);
    EXPECT_EQ(box.messages()[2].octets, 19U);
}

TEST_F(MailboxTest, UidlSurvivesFlagsFolderAndCopy) {
    scratch.put("new/1.a,S=8,W=11", "a: b\n\nc\n");
    const auto before = uidls(open());
    rename("new/1.a,S=8,W=11", "cur/1.a,S=8,W=11:2,RS");
    EXPECT_EQ(uidls(open()), before);
    ASSERT_EQ(std::system(("cp -r " + scratch.maildir() + " " + scratch.directory() + "/copy").c_str()), 0);
    const auto copy = Maildir::open(scratch.directory() + "/copy");
    EXPECT_EQ(uidls(*Mailbox::open(*copy, {})), before);
}

TEST_F(MailboxTest, AboveTheLimitTheNewestAreHidden) {
    for (int i = 1; i <= 5; ++i) scratch.put("new/" + std::to_string(i) + ".m", "a: b\n\n");
    const Mailbox box = open(3);
    EXPECT_EQ(names(box), (std::vector<std::string>{"1.m", "2.m", "3.m"}));
    EXPECT_EQ(box.hidden(), 2U);
}

TEST_F(MailboxTest, LinksFifosAndDirectoriesAreNotMessages) {
    scratch.put("new/1.good", "a: b\n\n");
    ASSERT_EQ(::symlink("/etc/passwd", (scratch.maildir() + "/new/2.link").c_str()), 0);
    ASSERT_EQ(::mkfifo((scratch.maildir() + "/cur/3.fifo").c_str(), 0600), 0);
    ASSERT_EQ(::mkdir((scratch.maildir() + "/cur/4.dir").c_str(), 0700), 0);
    scratch.put("new/.hidden", "x");
    EXPECT_EQ(names(open()), (std::vector<std::string>{"1.good"}));
}

TEST_F(MailboxTest, AFileSwappedForALinkIsNotOpened) {
    scratch.put("new/1.a,S=6,W=8", "a: b\n\n");
    Mailbox box = open();
    ASSERT_EQ(::unlink((scratch.maildir() + "/new/1.a,S=6,W=8").c_str()), 0);
    ASSERT_EQ(::symlink("/etc/passwd", (scratch.maildir() + "/new/1.a,S=6,W=8").c_str()), 0);
    EXPECT_FALSE(box.open_message(0).ok());
}

TEST_F(MailboxTest, AFileSwappedForAFifoOrADirectoryIsNotOpened) {
    for (const char* name : {"/new/1.a,S=6,W=8", "/new/2.a,S=6,W=8"}) scratch.put(name, "a: b\n\n");
    Mailbox box = open();
    for (const char* name : {"/new/1.a,S=6,W=8", "/new/2.a,S=6,W=8"})
        ASSERT_EQ(::unlink((scratch.maildir() + name).c_str()), 0);
    ASSERT_EQ(::mkfifo((scratch.maildir() + "/new/1.a,S=6,W=8").c_str(), 0600), 0);
    ASSERT_EQ(::mkdir((scratch.maildir() + "/new/2.a,S=6,W=8").c_str(), 0700), 0);
    EXPECT_FALSE(box.open_message(0).ok());
    EXPECT_FALSE(box.open_message(1).ok());
}

TEST_F(MailboxTest, AMessageThatMovedIsStillReadAndRemoved) {
    scratch.put("new/1.a", "a: b\n\nfirst\n");
    scratch.put("new/2.b", "a: b\n\nsecond\n");
    Mailbox box = open();
    rename("new/1.a", "cur/1.a:2,S");
    rename("new/2.b", "cur/2.b:2,F");
    const auto opened = box.open_message(0);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened->size, 12U);
    EXPECT_EQ(*read_all(opened->file.get(), 100), "a: b\n\nfirst\n");
    rename("cur/2.b:2,F", "cur/2.b:2,FS");
    EXPECT_TRUE(box.remove(1).ok());
    EXPECT_FALSE(scratch.has("cur/2.b:2,FS"));
}

TEST_F(MailboxTest, AMessageThatIsGoneSaysSoAndCountsAsRemoved) {
    scratch.put("new/1.a", "a: b\n\n");
    Mailbox box = open();
    ASSERT_EQ(::unlink((scratch.maildir() + "/new/1.a").c_str()), 0);
    EXPECT_EQ(box.open_message(0).error().code, Errc::not_found);
    EXPECT_TRUE(box.remove(0).ok());
}

TEST_F(MailboxTest, RemovalIsOneSyncPerFolderTouched) {
    for (int i = 1; i <= 4; ++i) scratch.put("new/" + std::to_string(i) + ".m", "a: b\n\n");
    scratch.put("cur/5.m:2,S", "a: b\n\n");
    Mailbox box = open();
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(box.remove(i).ok());
    EXPECT_TRUE(box.sync().ok());
    EXPECT_EQ(recording.count("unlink new/"), 3U);
    EXPECT_EQ(recording.count("fsync new"), 1U);
    EXPECT_EQ(recording.count("fsync cur"), 0U);
    EXPECT_EQ(recording.calls.back(), "fsync new");
    EXPECT_TRUE(box.remove(4).ok());
    EXPECT_TRUE(box.sync().ok());
    EXPECT_EQ(recording.count("fsync new"), 1U);
    EXPECT_EQ(recording.count("fsync cur"), 1U);
}

TEST_F(MailboxTest, AFailedSyncOfTheRemovalIsAFailure) {
    scratch.put("new/1.a", "a: b\n\n");
    Mailbox box = open();
    recording.fail = "fsync new";
    EXPECT_TRUE(box.remove(0).ok());
    EXPECT_FALSE(box.sync().ok());
}

TEST_F(MailboxTest, SeenIsARenameToCurThatKeepsOtherFlags) {
    scratch.put("new/1.a", "a: b\n\n");
    scratch.put("cur/2.b:2,FRx", "a: b\n\n");
    scratch.put("cur/3.c:2,S", "a: b\n\n");
    Mailbox box = open();
    const auto before = uidls(box);
    rename("cur/2.b:2,FRx", "cur/2.b:2,FRTx"); // meanwhile, by another program
    recording = {};
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(box.add_flags(i, "S").ok());
    EXPECT_TRUE(scratch.has("cur/1.a:2,S"));
    EXPECT_TRUE(scratch.has("cur/2.b:2,FRSTx"));
    EXPECT_EQ(recording.count("rename cur/3.c"), 0U);
    EXPECT_TRUE(box.open_message(0).ok());
    EXPECT_EQ(uidls(open()), before);
    ASSERT_EQ(::unlink((scratch.maildir() + "/cur/1.a:2,S").c_str()), 0);
    EXPECT_TRUE(box.add_flags(0, "F").ok()) << "gone is not an error";
}

TEST_F(MailboxTest, ExpiryGoesByNameAndFile) {
    const UnixTime now = ::time(nullptr);
    const auto age = [&](const std::string& below, UnixTime time) {
        scratch.put(below, "a: b\n\n");
        const timeval times[2] = {{time, 0}, {time, 0}};
        ASSERT_EQ(::utimes((scratch.maildir() + "/" + below).c_str(), times), 0);
    };
    age("new/1000.old", 1000);
    age("cur/2000.copied-lately:2,", now);
    age("cur/" + std::to_string(now) + ".restored-with-an-old-time:2,", 1000);
    age("new/x.no-number", 1000);
    scratch.put("dovecot-uidlist", "3 V7 N9\n4 :1000.old\n5 Pkept :2000.copied-lately\n");
    Mailbox box = open();
    EXPECT_EQ(*box.expire(0), 0U);
    EXPECT_EQ(*box.expire(now - 86'400), 2U);
    EXPECT_EQ(recording.calls.back(), "fsync new");
    EXPECT_EQ(box.messages().size(), 2U);
    EXPECT_EQ(box.uidl(0), "kept");
    EXPECT_TRUE(box.open_message(1).ok());
    EXPECT_FALSE(scratch.has("new/1000.old"));
    EXPECT_FALSE(scratch.has("new/x.no-number"));
}

TEST_F(MailboxTest, NewMailIsForTheNextSession) {
    scratch.put("new/1.a", "a: b\n\n");
    const Mailbox box = open();
    scratch.put("new/2.b", "a: b\n\n");
    EXPECT_EQ(box.messages().size(), 1U);
    EXPECT_EQ(open().messages().size(), 2U);
}

// Another program marks messages as read, moving and renaming them without pause; every scan sees each exactly once.
TEST_F(MailboxTest, AScanDuringRenamesLosesAndDoublesNothing) {
    constexpr int count = 300;
    std::set<std::string> expected;
    for (int i = 0; i < count; ++i) {
        const std::string base = std::to_string(1000 + i) + ".m";
        scratch.put("new/" + base, "a: b\n\n");
        expected.insert(base);
    }
    std::atomic<bool> stop{false};
    std::thread mover([&] {
        for (int n = 0; !stop; ++n) {
            const std::string base = scratch.maildir() + "/cur/" + std::to_string(1000 + n % count) + ".m:2,";
            const std::string fresh = scratch.maildir() + "/new/" + std::to_string(1000 + n % count) + ".m";
            if (::rename(fresh.c_str(), (base + "S").c_str()) != 0 &&
                ::rename((base + "S").c_str(), (base + "FS").c_str()) != 0)
                (void)::rename((base + "FS").c_str(), (base + "S").c_str());
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
    });
    const auto before = uidls(open());
    ASSERT_EQ(before.size(), expected.size());
    for (int scan = 0; scan < 50; ++scan) {
        const Mailbox box = open();
        const auto found = names(box);
        EXPECT_EQ(std::set<std::string>(found.begin(), found.end()), expected) << "scan " << scan;
        EXPECT_EQ(uidls(box), before);
    }
    stop = true;
    mover.join();
}

TEST_F(MailboxTest, ABusyMailboxIsOpenedWithoutWaiting) {
    FileOps ops = system_file_ops();
    ops.fsync = [](int) { return 0; }; // the disk's time is not meant
    const auto busy = Maildir::open(scratch.maildir(), ops);
    ASSERT_TRUE(busy.ok());
    scratch.put("new/1.a,S=6,W=8", "a: b\n\n");
    const SystemClock clock;
    Millis least = Seconds(60); // the others may have waited for this machine
    for (int i = 2; i < 12; ++i) {
        scratch.put("new/" + std::to_string(i) + ".a,S=6,W=8", "a: b\n\n");
        const Instant began = clock.now();
        (void)Mailbox::open(*busy, {});
        least = std::min(least, std::chrono::duration_cast<Millis>(clock.now() - began));
    }
    EXPECT_LT(least, Millis(15));
}
