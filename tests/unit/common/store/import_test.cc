// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/import.h"

#include <gtest/gtest.h>

#include "common/store/uidlist.h"
#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::store;
using namespace posada::store::testing;

namespace {

const std::string from = "From a@b Thu Jan  1 00:16:40 2026 +0000\n";

class ImportTest : public ::testing::Test {
  protected:
    ImportTest() : maildir(Maildir::open_or_create(scratch.maildir(), recording_ops())) { recording = {}; }
    ImportCounts run(const std::string& mbox, ImportOptions options = {}) {
        MailImport import(*maildir, options, clock);
        EXPECT_TRUE(import.start().ok());
        MboxReader reader(import);
        EXPECT_TRUE(reader.feed(mbox).ok());
        EXPECT_TRUE(reader.finish().ok());
        verdict = import.finish();
        return import.counts();
    }
    [[nodiscard]] std::vector<std::string> files(Folder folder) const {
        auto out = *list_files(maildir->folder(folder), "");
        std::sort(out.begin(), out.end());
        return out;
    }
    Scratch scratch;
    Result<Maildir> maildir;
    FakeClock clock;
    Status verdict;
};

} // namespace

TEST_F(ImportTest, NewMailGoesIntoNewAndTheRestIntoCurWithItsFlagsAndDate) {
    const auto counts = run(from + "a: b\n\nnew\n\n" + from + "Status: RO\nX-Status: A\n\nold\n\n");
    EXPECT_TRUE(verdict.ok());
    EXPECT_EQ(counts.imported, 2U);
    EXPECT_EQ(counts.octets, 10U + 5U);
    ASSERT_EQ(files(Folder::fresh).size(), 1U);
    ASSERT_EQ(files(Folder::cur).size(), 1U);
    EXPECT_TRUE(files(Folder::tmp).empty());
    EXPECT_TRUE(files(Folder::fresh)[0].starts_with("1767226600.I"));
    EXPECT_TRUE(files(Folder::cur)[0].ends_with("N0.import,S=5,W=7:2,RS"));
    struct stat st {};
    ASSERT_EQ(::stat((scratch.maildir() + "/new/" + files(Folder::fresh)[0]).c_str(), &st), 0);
    EXPECT_EQ(st.st_mtime, 1767226600);
    EXPECT_EQ(scratch.get("new/" + files(Folder::fresh)[0]), "a: b\n\nnew\n");
}

TEST_F(ImportTest, RunAgainItBringsWhatIsMissingAndNothingTwice) {
    const std::string mbox = from + "a: b\n\none\n\n" + from + "a: b\n\none\n\n" + from + "a: b\n\ntwo\n\n";
    EXPECT_EQ(run(mbox).imported, 3U); // two that are equal are two
    auto counts = run(mbox);
    EXPECT_EQ(counts.imported, 0U);
    EXPECT_EQ(counts.already_there, 3U);
    ASSERT_EQ(::unlink((scratch.maildir() + "/new/" + files(Folder::fresh)[0]).c_str()), 0);
    // A reader has seen one meanwhile, and the mbox has a status line more.
    const std::string name = files(Folder::fresh)[0];
    ASSERT_EQ(
        ::rename((scratch.maildir() + "/new/" + name).c_str(), (scratch.maildir() + "/cur/" + name + ":2,S").c_str()),
        0);
    counts = run(from + "Status: RO\na: b\n\ntwo\n\n" + mbox.substr(0, mbox.size() / 3 * 2));
    EXPECT_EQ(counts.imported, 1U);
    EXPECT_EQ(counts.already_there, 2U);
    EXPECT_EQ(files(Folder::fresh).size() + files(Folder::cur).size(), 3U);
}

TEST_F(ImportTest, ANameThatIsFoundCountsOnlyWhenItIsDurable) {
    (void)run(from + "a: b\n\none\n");
    recording = {};
    MailImport import(*maildir, {}, clock);
    ASSERT_TRUE(import.start().ok());
    EXPECT_EQ(recording.calls, (std::vector<std::string>{"fsync new", "fsync cur"}));
}

TEST_F(ImportTest, AFailureIsToldAndLeavesNothingHalf) {
    recording.fail = "write tmp/";
    recording.fail_errno = ENOSPC;
    const auto counts = run(from + "a: b\n\none\n\n" + from + "a: b\n\ntwo\n\n");
    EXPECT_EQ(counts.imported, 0U);
    ASSERT_FALSE(verdict.ok());
    EXPECT_EQ(verdict.error().code, Errc::no_space);
    EXPECT_TRUE(files(Folder::tmp).empty() && files(Folder::fresh).empty());
    recording.fail = "syncfs";
    EXPECT_EQ(run(from + "a: b\n\none\n\n").imported, 0U);
    EXPECT_FALSE(verdict.ok());
    EXPECT_TRUE(files(Folder::tmp).empty() && files(Folder::fresh).empty());
}

TEST_F(ImportTest, EmptyEntriesAndTheNotesOfUwImapdAreCountedNotImported) {
    const auto counts =
        run("From MAILER-DAEMON Thu Jan  1 00:00:00 2026\nX-IMAP: 1 2\n\nnotes\n\n" + from + from + "a: b\n\n");
    EXPECT_EQ(counts.internal, 1U);
    EXPECT_EQ(counts.empty, 1U);
    EXPECT_EQ(counts.imported, 1U);
    EXPECT_TRUE(files(Folder::tmp).empty());
}

TEST_F(ImportTest, UniqueIdsAreKeptOnlyWhenAskedForAndOnlyOnce) {
    const std::string mbox = from + "X-UIDL: one\n\n1\n\n" + from + "X-UIDL: one\n\n2\n\n" + from + "\n3\n\n";
    (void)run(mbox);
    auto without = Uidlist::load(*maildir);
    for (const UidEntry& entry : without->entries()) EXPECT_FALSE(uidlist_field(entry.fields, 'P'));
    Scratch other;
    auto second = Maildir::open_or_create(other.maildir());
    maildir = std::move(second);
    ImportOptions options;
    options.keep_uidl = true;
    const auto counts = run(mbox, options);
    EXPECT_TRUE(verdict.ok());
    EXPECT_EQ(counts.uidls_kept, 1U);
    EXPECT_EQ(counts.uidls_lost, 1U);
    auto list = Uidlist::load(*maildir);
    ASSERT_EQ(list->entries().size(), 3U);
    EXPECT_EQ(uidlist_field(list->entries()[0].fields, 'P'), "one");
    EXPECT_EQ(run(mbox, options).uidls_kept, 0U);
    EXPECT_EQ(Uidlist::load(*maildir)->entries().size(), 3U);
}

TEST_F(ImportTest, KeywordsBecomeLettersOnlyWhenAskedFor) {
    const std::string mbox = from + "X-Keywords: invoice $Forwarded (no\n\n1\n\n";
    (void)run(mbox);
    EXPECT_FALSE(scratch.has("dovecot-keywords"));
    Scratch other;
    maildir = Maildir::open_or_create(other.maildir());
    ImportOptions options;
    options.keep_keywords = true;
    (void)run(mbox, options);
    EXPECT_EQ(other.get("dovecot-keywords"), "0 invoice\n1 $Forwarded\n");
    ASSERT_EQ(files(Folder::cur).size(), 1U);
    EXPECT_TRUE(files(Folder::cur)[0].ends_with(":2,ab"));
}

TEST_F(ImportTest, UidsFollowTheOrderOfTheSource) {
    std::string mbox;
    for (int i = 0; i < 30; ++i) mbox += from + "Subject: " + std::to_string(i) + "\n\n\n";
    (void)run(mbox);
    auto list = Uidlist::load(*maildir);
    ASSERT_EQ(list->entries().size(), 30U);
    for (std::size_t i = 0; i < 30; ++i)
        EXPECT_EQ(scratch.get("new/" + std::string(list->entries()[i].name)), "Subject: " + std::to_string(i) + "\n\n");
}
