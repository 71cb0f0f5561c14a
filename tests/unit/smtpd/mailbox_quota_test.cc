// SPDX-License-Identifier: BSD-2-Clause
// MailboxWriter in a mailbox with a quota, and the way of its report to the receiving side.
#include <gtest/gtest.h>

#include <fstream>

#include "common/base/log.h"
#include "smtpd/mailbox_spaces.h"
#include "smtpd/mailbox_writer.h"
#include "smtpd/queue.h"
#include "tests/unit/smtpd/session_fixture.h"
#include "tests/unit/smtpd/spool_fixture.h"

namespace posada::smtpd {
namespace {

class MailboxQuota : public testing::Test {
  protected:
    // A lease of messages that will have these sizes in the mailbox.
    Lease lease_of(const std::vector<std::size_t>& sizes) {
        Lease lease;
        lease.destination = "lir@micasa.test";
        body_text_.clear();
        for (const std::size_t size : sizes) {
            const std::string path = "Return-Path: <s@x.test>\n";
            const std::string text = std::string(size - path.size() - 2, 'x') + "\r\n\r\n";
            lease.messages.push_back({"q" + std::to_string(++row_),
                                      "s@x.test",
                                      false,
                                      1'700'000'000,
                                      body_text_.size(),
                                      text.size(),
                                      {{row_, "lir@micasa.test", 0, false}}});
            body_text_ += text;
        }
        return lease;
    }
    std::vector<RowResult> deliver(MailboxWriter& writer, const Lease& lease) {
        return writer.deliver(lease, memfd_with(body_text_).get());
    }
    std::vector<RowResult> deliver(MailboxWriter& writer, const std::vector<std::size_t>& sizes) {
        return deliver(writer, lease_of(sizes));
    }
    MailboxWriter writer(QuotaPolicy limits) {
        auto maildir = store::Maildir::open_or_create(scratch_.path() + "/Maildir");
        EXPECT_TRUE(maildir.ok());
        return {std::move(*maildir), "mx.micasa.test", clock_, limits};
    }
    [[nodiscard]] std::size_t files(const std::string& folder) const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator(scratch_.path() + "/Maildir/" + folder))
            count += entry.is_regular_file() ? 1 : 0;
        return count;
    }
    [[nodiscard]] std::string quota_file() const {
        std::ifstream in(scratch_.path() + "/Maildir/maildirsize");
        return {std::istreambuf_iterator<char>(in), {}};
    }

    ScratchDirectory scratch_;
    SystemClock clock_;
    std::uint64_t row_ = 0;
    std::string body_text_;
};

TEST_F(MailboxQuota, TheLastOctetFitsAndOneMoreDoesNot) {
    MailboxWriter to = writer({{1'000, 0}, false});
    EXPECT_EQ(deliver(to, {400}).at(0).outcome, RowOutcome::delivered);
    const RowResult over = deliver(to, {601}).at(0);
    EXPECT_EQ(over.outcome, RowOutcome::deferred);
    EXPECT_EQ(over.status, "4.2.2");
    EXPECT_NE(over.text.find("mailbox full: there is no room for this message of 601 octets until mail is deleted"),
              std::string::npos)
        << over.text;
    EXPECT_EQ(to.space(), (MailboxSpace{600, unlimited_space, false}));
    EXPECT_EQ(deliver(to, {600}).at(0).outcome, RowOutcome::delivered);
    EXPECT_EQ(to.space(), (MailboxSpace{0, unlimited_space, false}));
    EXPECT_EQ(quota_file(), "1000S\n0 0\n400 1\n600 1\n");
    EXPECT_EQ(files("new"), 2U);
    EXPECT_EQ(files("tmp"), 0U);
}

TEST_F(MailboxQuota, WithRejectItGoesBackForGood) {
    MailboxWriter to = writer({{1'000, 0}, true});
    const RowResult over = deliver(to, {1'001}).at(0);
    EXPECT_EQ(over.outcome, RowOutcome::failed);
    EXPECT_EQ(over.status, "5.2.2");
    EXPECT_TRUE(to.space()->reject);
    EXPECT_EQ(files("tmp"), 0U);
}

TEST_F(MailboxQuota, OfABatchThatIsDeliveredWhichFits) {
    MailboxWriter to = writer({{1'000, 0}, false});
    const Lease lease = lease_of({600, 500, 400});
    for (const RowResult& result : deliver(to, lease))
        EXPECT_EQ(result.outcome, result.row == 2 ? RowOutcome::deferred : RowOutcome::delivered) << result.row;
    EXPECT_EQ(files("new"), 2U);
    EXPECT_EQ(quota_file(), "1000S\n0 0\n1000 2\n");
}

TEST_F(MailboxQuota, MessagesAreLimitedToo) {
    MailboxWriter to = writer({{0, 2}, false});
    deliver(to, {100, 100});
    EXPECT_EQ(deliver(to, {100}).at(0).status, "4.2.2");
    EXPECT_EQ(to.space(), (MailboxSpace{unlimited_space, 0, false}));
}

TEST_F(MailboxQuota, SpaceThatAnotherProgramMadeAndNotedIsUsed) {
    MailboxWriter to = writer({{1'000, 0}, false});
    deliver(to, {900});
    EXPECT_EQ(deliver(to, {500}).at(0).outcome, RowOutcome::deferred);
    std::ofstream(scratch_.path() + "/Maildir/maildirsize", std::ios::app) << "-900 -1\n";
    EXPECT_EQ(deliver(to, {500}).at(0).outcome, RowOutcome::delivered);
}

TEST_F(MailboxQuota, WithoutLimitsThereIsNoFileAndNoReport) {
    MailboxWriter to = writer({});
    EXPECT_EQ(deliver(to, {5'000}).at(0).outcome, RowOutcome::delivered);
    EXPECT_FALSE(to.space().has_value());
    EXPECT_EQ(quota_file(), "");
}

TEST_F(MailboxQuota, AnotherProgramsFileIsKeptRightWithoutLimitsOfOurOwn) {
    MailboxWriter to = writer({});
    std::ofstream(scratch_.path() + "/Maildir/maildirsize") << "9999S\n10 1\n";
    deliver(to, {500});
    EXPECT_EQ(quota_file(), "9999S\n10 1\n500 1\n");
}

TEST_F(MailboxQuota, WhatAnEarlierAttemptDeliveredCountsOnce) {
    MailboxWriter to = writer({{1'000, 0}, false});
    Lease lease = lease_of({500});
    deliver(to, lease);
    std::ofstream(scratch_.path() + "/Maildir/maildirsize") << "1000S\n0 0\n"; // that attempt died before it noted it
    lease.messages[0].rows[0].look = true;
    EXPECT_EQ(deliver(to, lease).at(0).outcome, RowOutcome::delivered);
    EXPECT_EQ(files("new"), 1U);
    deliver(to, {100});
    EXPECT_EQ(quota_file(), "1000S\n500 1\n100 1\n");
}

TEST(QueueProtocol, AReportCarriesTheSpaceOrNone) {
    const RowResult result{1, RowOutcome::deferred, "4.2.2", "full", ""};
    for (const std::optional<MailboxSpace>& space :
         {std::optional<MailboxSpace>(), std::optional(MailboxSpace{5, unlimited_space, true})}) {
        const std::string wire = to_bytes(LeaseReport{{result}, space});
        const auto report = from_bytes<LeaseReport>(wire);
        ASSERT_TRUE(report.ok());
        EXPECT_EQ(report->space, space);
        for (std::size_t n = 0; n < wire.size(); ++n)
            EXPECT_FALSE(from_bytes<LeaseReport>(wire.substr(0, n)).ok()) << n;
    }
}

TEST_F(MailboxQuota, TheQueueKeepsWhatADeliverySaid) {
    FakeClock clock;
    QueueConfig config;
    config.domains = {"micasa.test"};
    Queue queue(config, std::move(*Spool::open(scratch_.path() + "/spool", clock)), clock);
    const std::uint64_t before = queue.spaces().version();
    KnownSpaces known;
    for (const bool full : {true, false}) {
        const std::string text = "Subject: x\r\n\r\n";
        queue.submit(Incoming(), memfd_with(text).get(), envelope_to({"lir@micasa.test"}, text.size()),
                     [](const auto&) {});
        ASSERT_TRUE(queue.flush());
        std::uint64_t row = 0;
        queue.lease(1, 1, RecipientKind::local, 10,
                    [&](const Lease& lease, const UniqueFd&) { row = lease.messages[0].rows[0].row; });
        ASSERT_TRUE(queue.pump());
        queue.done(1, 1,
                   {{{row, RowOutcome::delivered, "2.0.0", "", ""}},
                    full ? MailboxSpace{0, 0, true} : MailboxSpace{unlimited_space, unlimited_space, true}});
        EXPECT_NE(queue.spaces().version(), before);
        known.adopt(queue.spaces().told(clock.now()), clock.now());
        EXPECT_EQ(known.ask("lir", 0, clock.now()),
                  full ? KnownSpaces::Verdict::full_for_good : KnownSpaces::Verdict::room);
    }
}

TEST(SmtpQuota, ARecipientWhoseMailboxIsFullIsRefusedAsConfigured) {
    test::SmtpServer server;
    server.say("HELO x\r\n");
    server.say("MAIL FROM:<a@x.test>\r\n");
    EXPECT_EQ(server.say("RCPT TO:<lleno@micasa.test>\r\n"),
              "452 4.2.2 <lleno@micasa.test> ... Mailbox full, try again later\r\n");
    server.full = RecipientVerdict::full_for_good;
    EXPECT_EQ(server.say("RCPT TO:<lleno@micasa.test>\r\n"), "552 5.2.2 <lleno@micasa.test> ... Mailbox full\r\n");
    EXPECT_EQ(server.codes("RCPT TO:<lir@micasa.test>\r\n"), "250") << "the others are not harmed";
    EXPECT_TRUE(server.logged("mail-refused"));
}

TEST(SmtpQuota, AMailThatTurnsOutTooLargeIsRefusedAfterDataAndTheSessionGoesOn) {
    for (const bool for_good : {false, true}) {
        test::SmtpServer server;
        server.queue = for_good ? QueueVerdict::full_for_good : QueueVerdict::full;
        server.say("HELO x\r\n");
        server.say("MAIL FROM:<a@x.test>\r\nRCPT TO:<lir@micasa.test>\r\nDATA\r\n");
        const std::string said = server.say("Subject: x\r\n\r\n.\r\n");
        EXPECT_EQ(said.substr(0, 9), for_good ? "552 5.2.2" : "452 4.2.2");
        EXPECT_NE(said.find("Mailbox too full for a message of"), std::string::npos) << said;
        EXPECT_EQ(server.codes("MAIL FROM:<a@x.test>\r\n"), "250");
    }
}

TEST(MailboxWriter, a_deferral_says_what_to_look_at) {
    EXPECT_EQ(result_of_error(1, Error{Errc::no_space, ENOSPC, "write"}).text,
              "the disk of the mailbox, or the user's quota of it, is full");
    EXPECT_EQ(result_of_error(1, Error{Errc::denied, EACCES, "tmp/1"}).text,
              "the mailbox cannot be written: tmp/1: Permission denied; does it belong to its user?");
    EXPECT_EQ(result_of_error(1, Error{Errc::denied, EROFS, "tmp/1"}).text,
              "the mailbox cannot be written: tmp/1: Read-only file system");
}

} // namespace
} // namespace posada::smtpd
