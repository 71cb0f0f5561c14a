// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/relay_session.h"

#include <gtest/gtest.h>

namespace posada::smtpd {
namespace {

using Kind = RelayEffect::Kind;

// Plays the server; what the session does is collected.
class RelaySessionTest : public testing::Test {
  protected:
    void with_route(RouteTls tls) { session_ = RelaySession({"mx.micasa.test", "192.0.2.1", tls}); }
    void take(std::vector<RelayEffect> effects) {
        for (RelayEffect& e : effects) {
            if (e.kind == Kind::write) sent_ += e.bytes;
            last_ = e.kind;
            if (e.kind == Kind::outcome) results_.push_back(std::move(e.results));
            if (e.kind == Kind::close) {
                closed_ = e.reason;
                without_tls_ = e.without_tls;
            }
        }
    }
    std::string server(std::string_view bytes) {
        take(session_.bytes(bytes));
        return std::exchange(sent_, {});
    }
    void hello(std::string_view extensions) {
        server("220 there\r\n");
        server(extensions);
        ASSERT_TRUE(session_.idle());
    }
    std::string begin(std::vector<std::string> addresses, std::uint64_t size = 100, bool eight_bit = false) {
        RelayMessage message{"lir@micasa.test", eight_bit, size, {}};
        std::uint64_t row = 10;
        for (std::string& address : addresses) message.rows.push_back({row++, std::move(address), 0, false});
        take(session_.begin(std::move(message)));
        return std::exchange(sent_, {});
    }
    const std::vector<RowResult>& results() {
        EXPECT_EQ(results_.size(), 1U);
        return results_.back();
    }

    RelaySession session_{{"mx.micasa.test", "192.0.2.1", RouteTls::none}};
    std::string sent_;
    Kind last_ = Kind::write;
    std::vector<std::vector<RowResult>> results_;
    std::optional<RowResult> closed_;
    bool without_tls_ = false;
};

TEST_F(RelaySessionTest, PipelinesTheEnvelopeAndWaitsBeforeTheBody) {
    EXPECT_EQ(server("220 hi\r\n"), "EHLO mx.micasa.test\r\n");
    server("250-there\r\n250-PIPELINING\r\n250-SIZE 5000\r\n250 8BITMIME\r\n");
    EXPECT_EQ(
        begin({"a@x.test", "b@x.test"}, 100, true),
        "MAIL FROM:<lir@micasa.test> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n");
    server("250 ok\r\n250 ok\r\n250 ok\r\n");
    EXPECT_NE(last_, Kind::send_body);
    server("354 go\r\n");
    EXPECT_EQ(last_, Kind::send_body);
    take(session_.body_sent());
    EXPECT_EQ(last_, Kind::end_body);
    server("250 2.6.0 taken\r\n");
    ASSERT_EQ(results().size(), 2U);
    EXPECT_EQ(results()[1].row, 11U);
    EXPECT_EQ(results()[1].outcome, RowOutcome::delivered);
    EXPECT_EQ(results()[1].text, "250 2.6.0 taken");
    EXPECT_TRUE(session_.idle()) << "another message may come over the same connection";
}

TEST_F(RelaySessionTest, WithoutPipeliningGoesStepByStepAndFallsBackToHelo) {
    server("220 hi\r\n");
    EXPECT_EQ(server("502 what\r\n"), "HELO mx.micasa.test\r\n");
    server("250 ok\r\n");
    EXPECT_EQ(begin({"a@x.test"}), "MAIL FROM:<lir@micasa.test>\r\n");
    EXPECT_EQ(server("250 ok\r\n"), "RCPT TO:<a@x.test>\r\n");
    EXPECT_EQ(server("250 ok\r\n"), "DATA\r\n");
}

TEST_F(RelaySessionTest, AnyByteSplitOfTheServersWordsGivesTheSame) {
    const std::string all = "220 hi\r\n250-there\r\n250 SIZE\r\n";
    for (const char c : all) take(session_.bytes({&c, 1}));
    EXPECT_TRUE(session_.idle());
}

TEST_F(RelaySessionTest, RecipientsFailOneByOne) {
    hello("250-x\r\n250 PIPELINING\r\n");
    begin({"a@x.test", "b@x.test", "c@x.test"});
    server("250 ok\r\n550 5.1.1 unknown\r\n451 4.2.1 later\r\n250 ok\r\n354 go\r\n");
    take(session_.body_sent());
    server("250 ok\r\n");
    EXPECT_EQ(results()[0].outcome, RowOutcome::failed);
    EXPECT_EQ(results()[0].status, "5.1.1");
    EXPECT_EQ(results()[1].outcome, RowOutcome::deferred);
    EXPECT_EQ(results()[2].outcome, RowOutcome::delivered);
}

TEST_F(RelaySessionTest, AllRecipientsRefusedButDataTakenSendsAnEmptyMessage) {
    hello("250-x\r\n250 PIPELINING\r\n");
    begin({"a@x.test"});
    EXPECT_EQ(server("250 ok\r\n550 no\r\n354 go\r\n"), ".\r\n");
    server("554 no valid recipients\r\n");
    EXPECT_EQ(results()[0].outcome, RowOutcome::failed);
    EXPECT_EQ(results()[0].text, "550 no");
}

TEST_F(RelaySessionTest, RefusedSenderWithoutPipeliningEndsTheMessageNotTheConnection) {
    hello("250 x\r\n");
    begin({"a@x.test", "b@x.test"});
    EXPECT_EQ(server("550 5.7.1 not you\r\n"), "RSET\r\n");
    server("250 ok\r\n");
    EXPECT_EQ(results()[1].outcome, RowOutcome::failed);
    EXPECT_TRUE(session_.idle());
}

TEST_F(RelaySessionTest, TooManyRecipientsIsNoFailure) { // RFC 5321 4.5.3.1.10
    hello("250-x\r\n250 PIPELINING\r\n");
    begin({"a@x.test", "b@x.test"});
    server("250 ok\r\n250 ok\r\n552 too many\r\n354 go\r\n");
    take(session_.body_sent());
    server("250 ok\r\n");
    EXPECT_EQ(results()[1].outcome, RowOutcome::deferred);
}

TEST_F(RelaySessionTest, LossAfterTheFinalDotIsARetry) {
    hello("250-x\r\n250 PIPELINING\r\n");
    begin({"a@x.test"});
    server("250 ok\r\n250 ok\r\n354 go\r\n");
    take(session_.body_sent());
    take(session_.lost("closed"));
    ASSERT_TRUE(closed_);
    EXPECT_EQ(closed_->outcome, RowOutcome::deferred);
    EXPECT_TRUE(results_.empty());
}

TEST_F(RelaySessionTest, OversizeAndEightBitAreKnownBeforehand) {
    hello("250-x\r\n250 SIZE 1000\r\n");
    EXPECT_EQ(begin({"a@x.test"}, 1001), "");
    EXPECT_EQ(results()[0].status, "5.3.4");
    results_.clear();
    EXPECT_EQ(begin({"a@x.test"}, 10, true), "");
    EXPECT_EQ(results()[0].status, "5.6.3");
}

TEST_F(RelaySessionTest, RequiredTlsIsNeverGivenUp) {
    with_route(RouteTls::required);
    server("220 hi\r\n");
    server("250 nothing\r\n");
    ASSERT_TRUE(closed_);
    EXPECT_EQ(closed_->status, "4.7.4");
}

TEST_F(RelaySessionTest, OpportunisticTlsMayFallBackInANewConnection) {
    with_route(RouteTls::opportunistic);
    server("220 hi\r\n");
    EXPECT_EQ(server("250-x\r\n250 STARTTLS\r\n"), "STARTTLS\r\n");
    server("220 go\r\n");
    EXPECT_EQ(last_, Kind::start_tls);
    take(session_.tls_done(Error{Errc::protocol, 0, "bad certificate"}));
    ASSERT_TRUE(closed_);
    EXPECT_TRUE(without_tls_);
}

TEST_F(RelaySessionTest, AfterTlsTheServerIsAskedAnew) {
    with_route(RouteTls::opportunistic);
    server("220 hi\r\n");
    server("250-x\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
    server("220 go\r\n");
    take(session_.tls_done({}));
    EXPECT_EQ(std::exchange(sent_, {}), "EHLO mx.micasa.test\r\n");
    server("250 x\r\n");
    EXPECT_EQ(begin({"a@x.test"}), "MAIL FROM:<lir@micasa.test>\r\n") << "extensions from before TLS do not count";
}

TEST_F(RelaySessionTest, R9_CVE_2021_38371_PlainTextBehindStarttlsIsNotTaken) {
    with_route(RouteTls::opportunistic);
    server("220 hi\r\n");
    server("250-x\r\n250 STARTTLS\r\n");
    server("220 go\r\n250-injected\r\n250 SIZE\r\n");
    ASSERT_TRUE(closed_);
    EXPECT_NE(last_, Kind::start_tls);
    EXPECT_FALSE(without_tls_);
}

TEST_F(RelaySessionTest, R9_RepliesBeforeTheirCommandsEndTheConnection) {
    server("220 ok\r\n250-together\r\n250 SIZE\r\n");
    EXPECT_TRUE(closed_);
}

TEST_F(RelaySessionTest, R14_CVE_2020_8794_ShortLinesAndOtherTextCannotReachTheQueue) {
    hello("250-x\r\n250 PIPELINING\r\n");
    begin({"a@x.test"});
    server("553-\n553\n"); // MAIL
    EXPECT_FALSE(closed_);
    server("550-a\nmda-exec: x\n");
    ASSERT_TRUE(closed_);
    EXPECT_EQ(closed_->text.find('\n'), std::string::npos);
}

TEST_F(RelaySessionTest, A421EndsEverything) {
    hello("250-x\r\n250 PIPELINING\r\n");
    begin({"a@x.test"});
    server("421 4.3.2 shutting down\r\n");
    ASSERT_TRUE(closed_);
    EXPECT_EQ(closed_->outcome, RowOutcome::deferred);
    EXPECT_NE(closed_->text.find("shutting down"), std::string::npos);
}

TEST(SmtpReply, R28_ATextThatIsJustACodeIsReadToItsEndOnly) { // CVE-2026-43964
    for (const std::string text : {"5.7.2", "5.7.", "5..2", "5.7.2x", "5.7.2222", "", "."}) {
        SmtpReply reply{550, {text}};
        EXPECT_EQ(reply.status(), text == "5.7.2" ? "5.7.2" : "5.0.0") << text;
    }
    EXPECT_EQ((SmtpReply{550, {"2.1.0 odd"}}.status()), "5.0.0") << "the class must fit the code";
}

TEST(SmtpReply, TextIsOnePrintableBoundedLine) {
    SmtpReply reply{550, {std::string("a\x1b[2Jb\"c"), std::string(5000, 'x')}};
    EXPECT_EQ(reply.text().find('\x1b'), std::string::npos);
    EXPECT_LE(reply.text().size(), 400U);
}

TEST(ReplyReader, BoundsLinesAndTheirNumber) {
    ReplyReader long_line;
    EXPECT_FALSE(long_line.consume("220 " + std::string(5000, 'x') + "\r\n").ok());
    ReplyReader endless;
    std::string lines;
    for (int i = 0; i < 300; ++i) lines += "250-x\r\n";
    EXPECT_FALSE(endless.consume(lines).ok());
    for (const char* bad : {"2\r\n", "abc\r\n", "199 x\r\n", "600 x\r\n", "250x\r\n", "250-a\r\n251 b\r\n", "\r\n"}) {
        ReplyReader reader;
        EXPECT_FALSE(reader.consume(bad).ok()) << bad;
    }
}

} // namespace
} // namespace posada::smtpd
