// SPDX-License-Identifier: BSD-2-Clause
// UIDs of a mailbox over its lifetime, by way of Mailbox: what is given, kept, lost and brought back.
#include "common/store/uidlist.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <thread>

#include "common/store/mailbox.h"
#include "common/store/uidlist_lock.h"
#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::store;
using namespace posada::store::testing;

namespace {

constexpr const char* message = "a: b\n\nc\n";

class UidlistTest : public ::testing::Test {
  protected:
    UidlistTest() : maildir(Maildir::open_or_create(scratch.maildir(), recording_ops())) { recording = {}; }
    Result<Mailbox> try_open() { return Mailbox::open(*maildir, {1'000, Millis(60)}); }
    std::vector<std::string> uidls() {
        std::vector<std::string> out;
        const auto box = try_open();
        EXPECT_TRUE(box.ok()) << (box ? "" : box.error().describe());
        for (std::size_t i = 0; box && i < box->messages().size(); ++i) out.push_back(box->uidl(i));
        return out;
    }
    std::uint32_t uidvalidity() { return try_open()->uidvalidity(); }
    void deliver(int n) { scratch.put("new/" + std::to_string(n) + ".m,S=8,W=11", message); }
    void lose(const std::string& name) { ASSERT_EQ(::unlink((scratch.maildir() + "/" + name).c_str()), 0); }
    // Without its first line.
    std::string lines_of(const std::string& name) {
        const std::string text = scratch.get(name);
        return text.substr(text.find('\n') + 1);
    }
    Scratch scratch;
    Result<Maildir> maildir;
};

std::size_t peak_mib() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return static_cast<std::size_t>(used.ru_maxrss) / 1024;
}

} // namespace

TEST_F(UidlistTest, UidsAreGivenInOrderOfArrivalAndStay) {
    deliver(2);
    deliver(1);
    const auto first = uidls();
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(lines_of("dovecot-uidlist"), "1 :1.m,S=8,W=11\n2 :2.m,S=8,W=11\n");
    deliver(0);
    const auto second = uidls();
    ASSERT_EQ(second.size(), 3U);
    EXPECT_EQ(second[0], first[0]);
    EXPECT_EQ(second[1], first[1]);
    EXPECT_EQ(second[2].substr(0, 8), "00000003") << "an older name that came later has a later UID";
}

TEST_F(UidlistTest, AnEmptyMailboxGetsNoList) {
    EXPECT_TRUE(uidls().empty());
    EXPECT_FALSE(scratch.has("dovecot-uidlist"));
    EXPECT_TRUE(recording.calls.empty());
}

// The folders must be at rest for a tick of the kernel's clock before a file is believed to be gone.
TEST_F(UidlistTest, AListOfGoneMessagesIsWrittenAnewWithoutThem) {
    for (int n = 1; n <= 1'200; ++n) deliver(n);
    const auto all = Mailbox::open(*maildir, {2'000, Millis(60)});
    ASSERT_TRUE(all.ok());
    const std::string kept = all->uidl(1'100);
    for (int n = 1; n <= 1'100; ++n) lose("new/" + std::to_string(n) + ".m,S=8,W=11");
    deliver(1'201);
    for (int i = 0; i < 50 && lines_of("dovecot-uidlist").size() > 10'000; ++i) {
        deliver(1'202 + i); // the list is written when there is something new
        std::this_thread::sleep_for(Millis(50));
        const auto now = uidls();
        EXPECT_EQ(now[0], kept);
        EXPECT_EQ(now[100].substr(0, 8), "000004b1") << "no UID is given twice";
    }
    const std::string lines = lines_of("dovecot-uidlist");
    EXPECT_TRUE(lines.starts_with("1101 :1101.m,S=8,W=11\n")) << lines.substr(0, 100);
    EXPECT_EQ(lines_of("posada-uidlist").find("\n1 :"), std::string::npos);
}

TEST_F(UidlistTest, UidsAreOnStableStorageBeforeAnybodySeesThem) {
    deliver(1);
    uidls();
    const auto& calls = recording.calls;
    const auto at = [&](const std::string& call) {
        return std::find(calls.begin(), calls.end(), call) - calls.begin();
    };
    const auto renamed = at("rename ./dovecot-uidlist.new ./dovecot-uidlist");
    EXPECT_LT(at("fsync dovecot-uidlist.new"), renamed);
    ASSERT_LT(renamed, static_cast<std::ptrdiff_t>(calls.size()));
    EXPECT_EQ(calls[static_cast<std::size_t>(renamed) + 1], "fsync .");
    recording = {};
    deliver(2);
    uidls();
    EXPECT_EQ(recording.count("fsync dovecot-uidlist"), 1U) << "continued, not replaced";
    EXPECT_EQ(recording.count("rename"), 0U);
    EXPECT_EQ(recording.count("unlink ./dovecot-uidlist.lock"), 1U);
}

TEST_F(UidlistTest, NothingIsWrittenWhenNothingIsNew) {
    deliver(1);
    const auto before = uidls();
    recording = {};
    EXPECT_EQ(uidls(), before);
    EXPECT_TRUE(recording.calls.empty());
}

TEST_F(UidlistTest, AUidThatIsNotDurableIsNotShown) {
    deliver(1);
    const auto before = uidls();
    deliver(2);
    recording.fail = "fsync dovecot-uidlist";
    const auto box = try_open();
    ASSERT_TRUE(box.ok());
    EXPECT_EQ(box->messages().size(), 1U);
    EXPECT_EQ(box->hidden(), 1U);
    recording = {};
    EXPECT_EQ(uidls().size(), 2U);
    EXPECT_EQ(uidls()[0], before[0]);
}

TEST_F(UidlistTest, WithoutRoomForTheFirstListNothingIsShown) {
    deliver(1);
    recording.fail = "create ./dovecot-uidlist.new";
    recording.fail_errno = ENOSPC;
    const auto box = try_open();
    ASSERT_FALSE(box.ok());
    EXPECT_EQ(box.error().code, Errc::no_space);
    EXPECT_FALSE(scratch.has("dovecot-uidlist.lock"));
}

TEST_F(UidlistTest, ALostListComesBackFromTheCopyAndNoUidIsUsedTwice) {
    for (int n = 1; n <= 3; ++n) deliver(n);
    const auto before = uidls();
    lose("dovecot-uidlist");
    deliver(4);
    const auto after = uidls();
    ASSERT_EQ(after.size(), 4U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(after[i], before[i]);
    EXPECT_EQ(after[3].substr(0, 8), "00010004") << "65,536 are left out";
    EXPECT_EQ(uidls(), after);
}

TEST_F(UidlistTest, ADamagedListIsCompletedFromTheCopy) {
    for (int n = 1; n <= 5; ++n) deliver(n);
    const auto before = uidls();
    const std::string text = scratch.get("dovecot-uidlist");
    for (const std::string& damaged :
         {text.substr(0, text.size() / 2), text.substr(0, 60) + "\xff\xff", text + "garbage\n", std::string(),
          std::string(100, '\0'), std::string("3 V"), text.substr(0, text.size() - 1)}) {
        scratch.put("dovecot-uidlist", damaged);
        EXPECT_EQ(uidls(), before) << damaged;
    }
}

TEST_F(UidlistTest, AnOlderListDoesNotGiveUidsAnew) {
    deliver(1);
    uidls();
    const std::string older = scratch.get("dovecot-uidlist");
    deliver(2);
    const auto before = uidls();
    scratch.put("dovecot-uidlist", older);
    EXPECT_EQ(uidls(), before) << "what the copy knows of the time after";
    lose("new/2.m,S=8,W=11");
    scratch.put("dovecot-uidlist", older);
    deliver(3);
    EXPECT_EQ(uidls()[1].substr(0, 8), "00000003");
}

TEST_F(UidlistTest, BothLostIsANewUidvalidity) {
    deliver(1);
    const std::uint32_t before = uidvalidity();
    for (std::uint32_t last = before, round = 0; round < 3; ++round) {
        lose("dovecot-uidlist");
        lose("posada-uidlist");
        const std::uint32_t now = uidvalidity();
        EXPECT_GT(now, last) << "also within one second";
        last = now;
    }
}

TEST_F(UidlistTest, ACopiedMailboxKeepsItsUidls) {
    for (int n = 1; n <= 3; ++n) deliver(n);
    const auto before = uidls();
    for (const std::string& how : {std::string("cp -a "), std::string("cp -r ")}) {
        const std::string to = scratch.directory() + "/" + how.substr(4, 1) + "/Maildir";
        ASSERT_EQ(
            std::system(
                ("mkdir -p " + to.substr(0, to.size() - 8) + " && " + how + scratch.maildir() + " " + to).c_str()),
            0);
        const auto copy = Maildir::open(to);
        const auto box = Mailbox::open(*copy, {});
        ASSERT_TRUE(box.ok());
        for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(box->uidl(i), before[i]) << how;
    }
}

TEST_F(UidlistTest, WhatAnotherServerWroteIsTakenUp) {
    deliver(1);
    deliver(2);
    const auto before = uidls();
    std::string text = scratch.get("dovecot-uidlist");
    text.replace(text.find("1 :"), 3, "1 Pmine W11 :");
    scratch.put("dovecot-uidlist", text + "9 :3.m,S=8,W=11\n");
    deliver(3);
    const auto after = uidls();
    EXPECT_EQ(after[0], "mine");
    EXPECT_EQ(after[1], before[1]);
    EXPECT_EQ(after[2].substr(0, 8), "00000009");
    EXPECT_EQ(lines_of("posada-uidlist").substr(0, 60).find("1 Pmine W11 :1.m"), 0U) << "the copy follows";
    lose("dovecot-uidlist");
    EXPECT_EQ(uidls(), after);
}

TEST_F(UidlistTest, MeasuredOnceAndKept) {
    scratch.put("new/1.foreign", message);
    scratch.put("new/2.noheader", "Subject: no end");
    auto box = try_open();
    EXPECT_EQ(box->messages()[0].octets, 11U);
    EXPECT_EQ(box->messages()[1].octets, 19U);
    EXPECT_EQ(lines_of("dovecot-uidlist"), "1 W11 :1.foreign\n2 :2.noheader\n")
        << "Dovecot's W is another number there";
    scratch.put("new/1.foreign", "changed, and not read again");
    scratch.put("new/2.noheader", "changed, and not read again");
    box = try_open();
    EXPECT_EQ(box->messages()[0].octets, 11U);
    EXPECT_EQ(box->messages()[1].octets, 19U);
}

TEST_F(UidlistTest, SizesOfMessagesThatHadUidsAreAddedToTheirLines) {
    scratch.put("dovecot-uidlist", "3 V7 N9\n4 Pown :1.foreign\n6 :2.noheader\n");
    scratch.put("new/1.foreign", message);
    scratch.put("new/2.noheader", "Subject: no end");
    EXPECT_EQ(try_open()->messages()[0].octets, 11U);
    EXPECT_EQ(lines_of("dovecot-uidlist"), "4 Pown W11 :1.foreign\n6 :2.noheader\n");
    recording = {};
    EXPECT_EQ(try_open()->messages()[1].octets, 19U);
    EXPECT_TRUE(recording.calls.empty());
}

TEST_F(UidlistTest, ALockOfTheLivingIsWaitedForAndNewMailStaysHidden) {
    deliver(1);
    uidls();
    deliver(2);
    const auto lock = UidlistLock::acquire(*maildir, Millis(0));
    ASSERT_TRUE(lock.ok());
    const auto box = try_open();
    ASSERT_TRUE(box.ok());
    EXPECT_EQ(box->messages().size(), 1U);
    EXPECT_EQ(box->hidden(), 1U);
    EXPECT_TRUE(scratch.has("dovecot-uidlist.lock"));
}

TEST_F(UidlistTest, ALockOfTheDeadIsTakenAway) {
    char host[256] = "";
    ::gethostname(host, sizeof host - 1);
    deliver(1);
    scratch.put("dovecot-uidlist.lock", "2147483646:" + std::string(host));
    EXPECT_EQ(uidls().size(), 1U);
    EXPECT_FALSE(scratch.has("dovecot-uidlist.lock"));
}

TEST_F(UidlistTest, AForeignLockIsTakenAwayOnlyWhenItIsOld) {
    const std::string path = scratch.maildir() + "/dovecot-uidlist.lock";
    scratch.put("dovecot-uidlist.lock", "1:elsewhere");
    EXPECT_FALSE(UidlistLock::acquire(*maildir, Millis(10)).ok());
    const timeval old[2] = {{::time(nullptr) - 200, 0}, {::time(nullptr) - 200, 0}};
    ASSERT_EQ(::utimes(path.c_str(), old), 0);
    EXPECT_TRUE(UidlistLock::acquire(*maildir, Millis(10)).ok());
    EXPECT_FALSE(scratch.has("dovecot-uidlist.lock"));
}

TEST_F(UidlistTest, TheListIsNoWayOutOfTheMailbox) {
    scratch.put("../elsewhere", "3 V1 N2\n1 :x\n");
    ASSERT_EQ(::symlink("../elsewhere", (scratch.maildir() + "/dovecot-uidlist").c_str()), 0);
    deliver(1);
    EXPECT_EQ(uidls().size(), 1U);
    EXPECT_NE(uidvalidity(), 1U);
    EXPECT_EQ(scratch.get("../elsewhere"), "3 V1 N2\n1 :x\n");
}

// Sparse: it takes no room on the disk, and must take none in memory.
TEST_F(UidlistTest, AListOfMoreThanAGibibyteIsNotRead) {
    scratch.put("dovecot-uidlist", "");
    const std::string path = scratch.maildir() + "/dovecot-uidlist";
    if (::truncate(path.c_str(), (off_t{1} << 30) + 1) != 0) GTEST_SKIP() << "no sparse files here";
    deliver(1);
    const auto maildir_now = Maildir::open(scratch.maildir());
    const std::size_t before = peak_mib();
    const auto list = Uidlist::load(*maildir_now);
    ASSERT_TRUE(list.ok());
    EXPECT_LT(peak_mib(), before + 500);
    EXPECT_EQ(uidls().size(), 1U);
}

TEST_F(UidlistTest, ADirectoryInItsPlaceIsAnError) {
    ASSERT_EQ(::mkdir((scratch.maildir() + "/dovecot-uidlist").c_str(), 0700), 0);
    deliver(1);
    EXPECT_FALSE(try_open().ok());
}
