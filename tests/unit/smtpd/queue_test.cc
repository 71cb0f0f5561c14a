// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/queue.h"

#include <fcntl.h>

#include <optional>

#include "common/base/log.h"
#include "tests/unit/smtpd/spool_fixture.h"

namespace posada::smtpd {
namespace {

class Silence final : public LogSink {
  public:
    void write(const LogEvent&, std::string_view) noexcept override {}
};

struct Leased {
    Lease lease;
    std::string octets;
};

class QueueTest : public testing::Test {
  protected:
    void SetUp() override {
        previous_ = set_log_sink(&silence_);
        restart();
    }
    void TearDown() override { set_log_sink(previous_); }

    void restart() {
        queue_.reset();
        auto spool = Spool::open(scratch_.path() + "/spool", clock_);
        ASSERT_TRUE(spool.ok());
        QueueConfig config;
        config.hostname = "mx.micasa.test";
        config.domains = {"micasa.test"};
        config.routes = {{"*", "127.0.0.1", 25, RouteTls::none}};
        config.options.lifetime = Seconds(3600);
        config.max_message_size = 1 << 20;
        config.memory = 300'000;
        queue_ = std::make_unique<Queue>(std::move(config), std::move(*spool), clock_);
        ASSERT_TRUE(queue_->pump());
    }

    // What the session was told; nullopt = not yet.
    using Answer = std::shared_ptr<std::optional<Result<std::string>>>;
    Answer submit(const std::vector<std::string>& to, const std::string& text,
                  const std::string& sender = "lir@micasa.test") {
        auto answer = std::make_shared<std::optional<Result<std::string>>>();
        queue_->submit(Incoming(), memfd_with(text).get(), envelope_to(to, text.size(), sender),
                       [answer](Result<std::string> id) { answer->emplace(std::move(id)); });
        return answer;
    }
    std::optional<Leased> lease(std::uint64_t number, RecipientKind kind = RecipientKind::local,
                                std::uint64_t holder = 1) {
        std::optional<Leased> out;
        queue_->lease(holder, number, kind, 100, [&](const Lease& lease, const UniqueFd& body) {
            EXPECT_EQ(::lseek(body.get(), 0, SEEK_SET), 0);
            out = Leased{lease, read_all(body.get(), 8 << 20).value()};
        });
        EXPECT_TRUE(queue_->pump());
        if (!out) queue_->drop_holder(holder);
        return out;
    }
    void finish(std::uint64_t number, const Lease& lease, RowOutcome outcome, std::uint64_t holder = 1) {
        std::vector<RowResult> results;
        for (const LeaseMessage& message : lease.messages)
            for (const LeaseRow& row : message.rows) results.push_back({row.row, outcome, "5.1.1", "scripted", ""});
        queue_->done(holder, number, {std::move(results), {}});
        EXPECT_TRUE(queue_->flush());
    }

    ScratchDirectory scratch_;
    FakeClock clock_;
    Silence silence_;
    LogSink* previous_ = nullptr;
    std::unique_ptr<Queue> queue_;
};

TEST_F(QueueTest, AnswersOnlyAfterTheCommitAndAllTogether) {
    const auto first = submit({"daniel@micasa.test"}, "one");
    const auto second = submit({"lir@micasa.test"}, "two");
    EXPECT_FALSE(first->has_value());
    ASSERT_TRUE(queue_->flush());
    ASSERT_TRUE(first->has_value() && second->has_value());
    EXPECT_TRUE((*first)->ok() && (*second)->ok());
    EXPECT_EQ(queue_->stats()->commits, 1U);
    EXPECT_EQ(queue_->stats()->messages, 2U);
}

TEST_F(QueueTest, OneLeaseHoldsWhatWaitsForOneMailbox) {
    submit({"daniel@micasa.test"}, "one");
    submit({"daniel@micasa.test", "lir@micasa.test"}, "two");
    ASSERT_TRUE(queue_->flush());
    const auto daniel = lease(1);
    ASSERT_TRUE(daniel);
    EXPECT_EQ(daniel->lease.destination, "daniel@micasa.test");
    EXPECT_EQ(daniel->lease.messages.size(), 2U);
    EXPECT_EQ(daniel->octets, "onetwo");
    EXPECT_FALSE(daniel->lease.messages[0].rows[0].look);
    const auto lir = lease(2);
    ASSERT_TRUE(lir);
    EXPECT_EQ(lir->lease.destination, "lir@micasa.test");
    EXPECT_FALSE(lease(3, RecipientKind::local, 2)) << "a mailbox is leased once at a time";
}

TEST_F(QueueTest, DeliveredMailIsForgottenAlsoAfterARestart) {
    submit({"daniel@micasa.test"}, "one");
    ASSERT_TRUE(queue_->flush());
    const auto work = lease(1);
    ASSERT_TRUE(work);
    finish(1, work->lease, RowOutcome::delivered);
    restart();
    EXPECT_FALSE(lease(2));
    EXPECT_EQ(queue_->stats()->messages, 0U);
}

TEST_F(QueueTest, ALostHolderReturnsItsRowsToBeLookedFor) {
    submit({"daniel@micasa.test"}, "one");
    ASSERT_TRUE(queue_->flush());
    ASSERT_TRUE(lease(1));
    queue_->drop_holder(1);
    const auto again = lease(2, RecipientKind::local, 2);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->lease.messages[0].rows[0].look);
}

TEST_F(QueueTest, AfterARestartEveryRowIsToBeLookedFor) {
    submit({"daniel@micasa.test"}, "one");
    ASSERT_TRUE(queue_->flush());
    restart();
    const auto work = lease(1);
    ASSERT_TRUE(work);
    EXPECT_TRUE(work->lease.messages[0].rows[0].look);
}

TEST_F(QueueTest, ResultsOfAnotherHoldersRowsAreIgnored) {
    submit({"daniel@micasa.test"}, "one");
    ASSERT_TRUE(queue_->flush());
    const auto work = lease(1, RecipientKind::local, 1);
    ASSERT_TRUE(work);
    finish(1, work->lease, RowOutcome::delivered, 2);
    EXPECT_EQ(queue_->stats()->recipients, 1U);
}

TEST_F(QueueTest, ADeferredRowComesBackAtItsTime) {
    submit({"daniel@micasa.test"}, "one");
    ASSERT_TRUE(queue_->flush());
    finish(1, lease(1)->lease, RowOutcome::deferred);
    EXPECT_FALSE(lease(2));
    EXPECT_GT(queue_->next_due(), clock_.unix_now());
    clock_.advance(Seconds(70));
    const auto again = lease(3);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->lease.messages[0].rows[0].attempts, 1U);
    EXPECT_TRUE(again->lease.messages[0].rows[0].look);
}

TEST_F(QueueTest, AFailedRowIsReportedToItsSenderOnce) {
    submit({"nobody@micasa.test", "no2@micasa.test"}, "Subject: x\r\n\r\nbody");
    ASSERT_TRUE(queue_->flush());
    for (std::uint64_t n = 1; n <= 2; ++n) finish(n, lease(n)->lease, RowOutcome::failed);
    const auto report = lease(3);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->lease.destination, "lir@micasa.test");
    EXPECT_EQ(report->lease.messages[0].sender, "");
    EXPECT_NE(report->octets.find("Final-Recipient: rfc822; nobody@micasa.test"), std::string::npos);
    EXPECT_EQ(report->octets.find("\nbody"), std::string::npos) << "only the header goes back";
}

TEST_F(QueueTest, R45_NoReportGoesToTheNullSenderNorForAReport) {
    submit({"nobody@micasa.test"}, "x", "");
    ASSERT_TRUE(queue_->flush());
    finish(1, lease(1)->lease, RowOutcome::failed);
    EXPECT_FALSE(lease(2));
    submit({"nobody@micasa.test"}, "x", "gone@micasa.test");
    ASSERT_TRUE(queue_->flush());
    finish(3, lease(3)->lease, RowOutcome::failed);
    finish(4, lease(4)->lease, RowOutcome::failed); // the report itself
    EXPECT_FALSE(lease(5));
    EXPECT_EQ(queue_->stats()->messages, 0U);
}

TEST_F(QueueTest, MailThatOutlivesItsLifetimeIsReturned) {
    submit({"daniel@micasa.test"}, "Subject: x\r\n\r\n");
    ASSERT_TRUE(queue_->flush());
    finish(1, lease(1)->lease, RowOutcome::deferred);
    clock_.advance(Seconds(3700));
    finish(2, lease(2)->lease, RowOutcome::deferred);
    const auto report = lease(3);
    ASSERT_TRUE(report);
    EXPECT_NE(report->octets.find("Status: 5.4.7"), std::string::npos);
}

TEST_F(QueueTest, RoutedMailGroupsByDomainAndMessage) {
    submit({"a@x.example", "b@X.example", "c@y.example"}, "one");
    ASSERT_TRUE(queue_->flush());
    const auto x = lease(1, RecipientKind::route);
    ASSERT_TRUE(x);
    EXPECT_EQ(x->lease.destination, "x.example");
    ASSERT_EQ(x->lease.messages.size(), 1U);
    EXPECT_EQ(x->lease.messages[0].rows.size(), 2U);
    EXPECT_FALSE(lease(2, RecipientKind::local));
}

TEST_F(QueueTest, AMessageInPartsIsOneFile) {
    Incoming incoming;
    const std::string part(max_memfd, 'p');
    queue_->add_part(incoming, memfd_with(part).get());
    std::optional<Result<std::string>> answer;
    queue_->submit(std::move(incoming), memfd_with("end").get(), envelope_to({"daniel@micasa.test"}, max_memfd + 3),
                   [&](Result<std::string> id) { answer = std::move(id); });
    ASSERT_TRUE(queue_->flush());
    ASSERT_TRUE(answer && answer->ok());
    const auto work = lease(1);
    ASSERT_TRUE(work);
    EXPECT_EQ(work->octets, part + "end");
    restart();
    EXPECT_EQ(lease(2)->octets, part + "end");
}

TEST_F(QueueTest, ASizeThatDoesNotFitTheEnvelopeIsRefused) {
    std::optional<Result<std::string>> answer;
    queue_->submit(Incoming(), memfd_with("four").get(), envelope_to({"daniel@micasa.test"}, 5),
                   [&](Result<std::string> id) { answer = std::move(id); });
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->error().code, Errc::protocol);
}

TEST_F(QueueTest, APartAndAnAddressHaveALargestSize) {
    Incoming incoming;
    queue_->add_part(incoming, memfd_with(std::string(max_memfd + 1, 'p')).get());
    EXPECT_EQ(incoming.failed.error().code, Errc::protocol);
    const std::string domain = "@micasa.test";
    for (const std::size_t octets : {330U, 331U}) {
        const std::string address = std::string(octets - domain.size(), 'x') + domain;
        const auto as_sender = submit({"daniel@micasa.test"}, "one", address);
        const auto as_recipient = submit({address}, "two");
        ASSERT_TRUE(queue_->flush());
        EXPECT_EQ((*as_sender)->ok(), octets == 330) << octets;
        EXPECT_EQ((*as_recipient)->ok(), octets == 330) << octets;
    }
}

TEST_F(QueueTest, ADiskThatFailsIsTheQueuesEnd) {
    const UniqueFd unreadable(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); // has a size, and read(2) fails
    Incoming parts;
    queue_->add_part(parts, unreadable.get());
    EXPECT_EQ(parts.failed.error().code, Errc::io);
    EXPECT_FALSE(queue_->flush().ok());
    restart();
    Incoming whole;
    queue_->submit(std::move(whole), unreadable.get(), envelope_to({"daniel@micasa.test"}, 1),
                   [](const auto& id) { EXPECT_EQ(id.error().code, Errc::io); });
    EXPECT_FALSE(queue_->flush().ok());
}

TEST_F(QueueTest, MemoryAndSizeAreLimited) {
    const std::string quarter(200'000, 'x');
    submit({"daniel@micasa.test"}, quarter);
    const auto second = submit({"daniel@micasa.test"}, quarter);
    ASSERT_TRUE(second->has_value());
    EXPECT_EQ((*second)->error().code, Errc::limit);
    ASSERT_TRUE(queue_->flush());
    const auto third = submit({"daniel@micasa.test"}, quarter);
    ASSERT_TRUE(queue_->flush());
    EXPECT_TRUE((*third)->ok()) << "the memory came back";
    Incoming huge;
    const std::string part(max_memfd, 'p');
    for (int i = 0; i < 6; ++i) queue_->add_part(huge, memfd_with(part).get());
    EXPECT_FALSE(huge.failed.ok());
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch_.path() + "/spool/bodies"), {}), 0);
}

TEST_F(QueueTest, TheAdministratorListsRetriesAndRemoves) {
    const auto id = submit({"daniel@micasa.test"}, "one");
    ASSERT_TRUE(queue_->flush());
    finish(1, lease(1)->lease, RowOutcome::deferred);
    ASSERT_EQ(queue_->list(0, 10)->size(), 1U);
    EXPECT_EQ(queue_->list(0, 10)->front().last_error, "scripted");
    EXPECT_EQ(*queue_->retry_now(**id->operator->()), 1U);
    EXPECT_TRUE(lease(2));
    queue_->drop_holder(1);
    EXPECT_EQ(*queue_->remove(**id->operator->()), 1U);
    EXPECT_FALSE(lease(3)) << "a removed message is not handed out";
    EXPECT_EQ(*queue_->remove("NOSUCH"), 0U);
}

TEST_F(QueueTest, WhatDoesNotFitIntoMemoryComesFromTheSpool) {
    queue_.reset();
    auto spool = Spool::open(scratch_.path() + "/spool2", clock_);
    QueueConfig config;
    config.domains = {"micasa.test"};
    config.active_rows = 10;
    queue_ = std::make_unique<Queue>(std::move(config), std::move(*spool), clock_);
    for (int i = 0; i < 35; ++i) submit({"user" + std::to_string(i) + "@micasa.test"}, "x");
    ASSERT_TRUE(queue_->flush());
    int delivered = 0;
    for (std::uint64_t n = 1;; ++n, ++delivered) {
        const auto work = lease(n);
        if (!work) break;
        finish(n, work->lease, RowOutcome::delivered);
    }
    EXPECT_EQ(delivered, 35);
}

TEST(ClassifyAddress, KnowsLocalRoutedAndNowhere) {
    QueueConfig config;
    config.domains = {"micasa.test"};
    config.routes = {{"lan.test", "10.0.0.1", 25, RouteTls::none}};
    EXPECT_EQ(classify_address(config, "a@MICASA.test"), RecipientKind::local);
    EXPECT_EQ(classify_address(config, "Postmaster"), RecipientKind::local);
    EXPECT_EQ(classify_address(config, "a@lan.test"), RecipientKind::route);
    EXPECT_EQ(classify_address(config, "a@elsewhere.test"), std::nullopt);
    EXPECT_EQ(classify_address(config, "\"a@micasa.test\"@lan.test"), RecipientKind::route);
}

} // namespace
} // namespace posada::smtpd
