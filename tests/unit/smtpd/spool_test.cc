// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/spool.h"

#include <sys/mount.h>
#include <unistd.h>

#include "smtpd/spool_schema.h"
#include "tests/unit/smtpd/spool_fixture.h"

namespace posada::smtpd {
namespace {

class SpoolTest : public testing::Test {
  protected:
    std::unique_ptr<Spool> open() {
        auto spool = Spool::open(scratch_.path() + "/spool", clock_);
        EXPECT_TRUE(spool.ok()) << spool.error().describe();
        return std::move(*spool);
    }
    StoredMail insert(Spool& spool, const std::vector<std::string>& to, std::string_view body) {
        EXPECT_TRUE(spool.begin());
        auto mail = spool.insert(envelope_to(to, body.size()), body);
        EXPECT_TRUE(mail.ok());
        EXPECT_TRUE(spool.commit());
        return std::move(*mail);
    }
    ScratchDirectory scratch_;
    FakeClock clock_;
};

TEST_F(SpoolTest, KeepsWhatWasCommittedAndForgetsWhatWasNot) {
    {
        auto spool = open();
        insert(*spool, {"daniel@micasa.test"}, "kept");
        ASSERT_TRUE(spool->begin());
        ASSERT_TRUE(spool->insert(envelope_to({"lir@micasa.test"}, 4), "lost").ok());
        spool->rollback();
    }
    auto spool = open();
    EXPECT_EQ(spool->found().messages, 1U);
    EXPECT_EQ(spool->found().waiting, 1U);
    auto rows = spool->due(clock_.unix_now() + 1, 10);
    ASSERT_EQ(rows->size(), 1U);
    EXPECT_EQ(rows->front().address, "daniel@micasa.test");
    EXPECT_EQ(*spool->body(rows->front().message), "kept");
}

TEST_F(SpoolTest, BodyWithNulAndEmptyBodySurvive) {
    auto spool = open();
    const auto binary = insert(*spool, {"a@micasa.test"}, std::string_view("a\0b", 3));
    const auto empty = insert(*spool, {"a@micasa.test"}, "");
    EXPECT_EQ(*spool->body(binary.message.id), std::string("a\0b", 3));
    EXPECT_EQ(*spool->body(empty.message.id), "");
    EXPECT_FALSE(spool->message(empty.message.id)->in_file);
}

TEST_F(SpoolTest, QueueIdsAreUniqueEvenWhenTheClockGoesBack) {
    auto spool = open();
    const auto first = insert(*spool, {"a@micasa.test"}, "1");
    clock_.advance(Millis(-3'600'000));
    spool.reset();
    spool = open();
    const auto second = insert(*spool, {"a@micasa.test"}, "2");
    EXPECT_GT(second.message.id, first.message.id);
    EXPECT_NE(second.message.queue_id, first.message.queue_id);
}

TEST_F(SpoolTest, MessageGoesWhenItsLastRecipientIsDone) {
    auto spool = open();
    const auto mail = insert(*spool, {"a@micasa.test", "b@micasa.test"}, "x");
    ASSERT_TRUE(spool->begin());
    ASSERT_TRUE(spool->mark_delivered(mail.rows[0].row, clock_.unix_now()));
    ASSERT_TRUE(spool->settle(mail.message.id));
    EXPECT_TRUE(spool->message(mail.message.id).ok());
    ASSERT_TRUE(spool->mark_failed(mail.rows[1].row, clock_.unix_now(), "no"));
    ASSERT_TRUE(spool->settle(mail.message.id));
    ASSERT_TRUE(spool->commit());
    EXPECT_EQ(spool->message(mail.message.id).error().code, Errc::not_found);
    EXPECT_EQ(spool->stats(clock_.unix_now())->recipients, 0U);
}

TEST_F(SpoolTest, LargeBodyIsAFileUntilItsMessageGoes) {
    auto spool = open();
    const std::string part(200'000, 'p');
    auto body = spool->new_body_file();
    ASSERT_TRUE(body.ok());
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(body->append(memfd_with(part).get(), part.size()));
    ASSERT_TRUE(spool->begin());
    auto mail = spool->insert(envelope_to({"a@micasa.test"}, 400'000), *body);
    ASSERT_TRUE(mail.ok());
    ASSERT_TRUE(spool->commit());
    const std::string file = scratch_.path() + "/spool/bodies/" + mail->message.queue_id;
    EXPECT_EQ(std::filesystem::file_size(file), 400'000U);
    EXPECT_EQ(spool->head(mail->message, 5).value(), "ppppp");
    ASSERT_TRUE(spool->begin());
    ASSERT_TRUE(spool->mark_delivered(mail->rows[0].row, clock_.unix_now()));
    ASSERT_TRUE(spool->settle(mail->message.id));
    EXPECT_TRUE(std::filesystem::exists(file)) << "removed before the commit";
    ASSERT_TRUE(spool->commit());
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(SpoolTest, OrphanedBodyFilesAreRemovedAtStart) {
    open();
    const std::string orphan = scratch_.path() + "/spool/bodies/0RPHAN";
    ASSERT_TRUE(write_all(UniqueFd(::creat(orphan.c_str(), 0600)).get(), "x"));
    auto spool = open();
    EXPECT_EQ(spool->found().orphans, 1U);
    EXPECT_FALSE(std::filesystem::exists(orphan));
}

TEST_F(SpoolTest, AddressesAreDataNeverSql) { // CVE-2025-26794, regression row 26
    auto spool = open();
    const std::string hostile = "\"x'); DELETE FROM message; --\"@micasa.test";
    insert(*spool, {hostile}, "x");
    EXPECT_EQ(spool->list(0, 10)->front().address, hostile);
    EXPECT_EQ(*spool->make_due("' OR 1=1 --", clock_.unix_now()), 0U);
}

TEST_F(SpoolTest, SettingsAreThePromisedOnes) {
    open();
    auto db = Database::open(scratch_.path() + "/spool/spool.db");
    ASSERT_TRUE(prepare_spool_database(*db));
    EXPECT_EQ(*db->number("PRAGMA synchronous"), 2U); // FULL
    EXPECT_EQ(*db->number("PRAGMA foreign_keys"), 1U);
    EXPECT_EQ(*db->number("PRAGMA auto_vacuum"), 2U); // incremental
    EXPECT_EQ(*db->number("PRAGMA user_version"), spool_schema_version);
    EXPECT_EQ(*db->number("SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1U);
}

TEST_F(SpoolTest, ASpoolOfANewerVersionIsRefused) {
    open();
    auto db = Database::open(scratch_.path() + "/spool/spool.db");
    ASSERT_TRUE(db->execute("PRAGMA user_version = 99"));
    auto spool = Spool::open(scratch_.path() + "/spool", clock_);
    ASSERT_FALSE(spool.ok());
    EXPECT_EQ(spool.error().code, Errc::unavailable);
}

TEST_F(SpoolTest, AFileThatIsNoDatabaseIsCorrupt) {
    std::filesystem::create_directories(scratch_.path() + "/spool");
    UniqueFd file(::creat((scratch_.path() + "/spool/spool.db").c_str(), 0600));
    ASSERT_TRUE(write_all(file.get(), std::string(8192, 'z')));
    auto spool = Spool::open(scratch_.path() + "/spool", clock_);
    ASSERT_FALSE(spool.ok());
    EXPECT_EQ(spool.error().code, Errc::corrupt);
    EXPECT_EQ(spool.error().describe(),
              "sqlite: file is not a database (26); stop posada, keep a copy of the spool, and "
              "try: sqlite3 spool.db .recover");
}

TEST_F(SpoolTest, AFullDiskIsNoSpaceAndTheSpoolGoesOn) {
    const std::string small = scratch_.path() + "/small";
    std::filesystem::create_directory(small);
    if (::mount("posada-test", small.c_str(), "tmpfs", 0, "size=600k") != 0)
        GTEST_SKIP() << "a small file system needs the right to mount one";
    {
        auto spool = Spool::open(small + "/spool", clock_);
        ASSERT_TRUE(spool.ok());
        const std::string body(100'000, 'b');
        Status status;
        for (int i = 0; i < 20 && status; ++i) {
            status = (*spool)->begin();
            if (status) {
                auto mail = (*spool)->insert(envelope_to({"a@micasa.test"}, body.size()), body);
                status = mail ? (*spool)->commit() : Status(mail.error());
            }
        }
        EXPECT_FALSE(status.ok());
        EXPECT_TRUE(status.ok() || status.error().code == Errc::no_space) << status.error().describe();
        EXPECT_TRUE(status.ok() || status.error().text.ends_with("; make room where [paths] state_dir is"))
            << status.error().describe();
        (*spool)->rollback();
        EXPECT_TRUE((*spool)->list(0, 100).ok());
    }
    ::umount2(small.c_str(), MNT_DETACH);
}

TEST_F(SpoolTest, CheckpointEmptiesTheLogForTheNextCommit) {
    auto spool = open();
    for (int i = 0; i < 20; ++i) insert(*spool, {"a@micasa.test"}, std::string(4000, 'x'));
    const std::uint64_t before = spool->log_size();
    EXPECT_GT(before, 80'000U);
    ASSERT_TRUE(spool->checkpoint());
    insert(*spool, {"a@micasa.test"}, "x");
    EXPECT_LT(spool->log_size(), before);
}

} // namespace
} // namespace posada::smtpd
