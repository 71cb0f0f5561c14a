// SPDX-License-Identifier: BSD-2-Clause
// The session's behaviour that is neither a dialog of its own nor somebody's old mistake.
#include "smtpd/session.h"

#include <gtest/gtest.h>

#include "common/proto/base64.h"
#include "tests/unit/smtpd/session_fixture.h"

namespace posada::smtpd::test {
namespace {

std::string plain(std::string_view user, std::string_view password) {
    return proto::base64_encode(std::string(1, '\0').append(user).append(1, '\0').append(password));
}

void start_message(SmtpServer& server) {
    ASSERT_EQ(server.codes("EHLO client.example\r\n"), "250");
    ASSERT_EQ(server.codes("MAIL FROM:<a@b.example>\r\nRCPT TO:<lir@micasa.test>\r\nDATA\r\n"), "250 250 354");
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(SmtpSession, WhoIsRefusedTooOftenIsLoggedAndEnded) {
    Policy policy = default_policy();
    policy.max_errors = 2;
    SmtpServer server(policy);
    (void)server.codes("FOO\r\n");
    EXPECT_FALSE(server.closed() || server.logged("protocol-abuse"));
    (void)server.codes("FOO\r\n");
    EXPECT_TRUE(server.closed() && server.logged("protocol-abuse"));
}

TEST(SmtpSession, EnvelopeReachesTheQueue) {
    SmtpServer server;
    (void)server.codes("EHLO client.example\r\n");
    (void)server.codes("MAIL FROM:<A.b@B.Example> SIZE=30 BODY=8BITMIME\r\nRCPT TO:<lir@micasa.test>\r\n"
                       "RCPT TO:<lir@MICASA.test>\r\nRCPT TO:<daniel@micasa.test>\r\nDATA\r\n");
    (void)server.codes("Subject: x\r\n\r\n..x\r\n.\r\n");
    ASSERT_EQ(server.spool.size(), 1U);
    const Stored& stored = server.spool[0];
    EXPECT_EQ(stored.mail.sender.text(), "A.b@b.example");
    ASSERT_EQ(stored.mail.recipients.size(), 2U) << "a recipient named twice gets one copy";
    EXPECT_EQ(stored.mail.recipients[1].mailbox.text(), "daniel@micasa.test");
    EXPECT_TRUE(stored.mail.recipients[0].local);
    EXPECT_TRUE(stored.mail.body_8bit);
    EXPECT_EQ(stored.mail.declared_size, 30U);
    EXPECT_EQ(stored.helo, "client.example");
    EXPECT_EQ(without_trace(stored.content), "Subject: x\r\n\r\n.x\r\n");
    EXPECT_TRUE(server.logged("mail-in"));
}

TEST(SmtpSession, ReceivedFieldStandsInFront) {
    SmtpServer server;
    start_message(server);
    (void)server.codes("Subject: x\r\n\r\nx\r\n.\r\n");
    EXPECT_EQ(server.spool.at(0).content, "Received: from client.example ([127.0.0.1])\r\n"
                                          "\tby mx.micasa.test\r\n"
                                          "\twith ESMTP id 7.1\r\n"
                                          "\tfor <lir@micasa.test>;\r\n"
                                          "\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
                                          "Subject: x\r\n\r\nx\r\n");
}

TEST(SmtpSession, HeaderlessTextIsKeptApartFromOurField) {
    for (const char* text : {"Hola\r\nAqui\r\n", "From lir Mon\r\nx\r\n", "two words: x\r\n", ": x\r\n", " x\r\n"})
        for (std::size_t cut = 0; cut < 14; ++cut) {
            SmtpServer server;
            start_message(server);
            const std::string all = std::string(text) + ".\r\n";
            server.receive(all.substr(0, cut));
            server.receive(cut < all.size() ? all.substr(cut) : "");
            EXPECT_EQ(without_trace(server.spool.at(0).content), "\r\n" + std::string(text));
        }
}

TEST(SmtpSession, HeaderIsLeftAlone) {
    const std::string long_field = "Subject:" + std::string(5000, 'x') + "\r\n\r\n";
    for (const std::string& text : {std::string("X: y\r\n\r\nb\r\n"), std::string("\r\nbody\r\n"), std::string(),
                                    std::string("Subject:\r\n"), long_field}) {
        SmtpServer server;
        start_message(server);
        (void)server.codes(text + ".\r\n");
        EXPECT_EQ(without_trace(server.spool.at(0).content), text);
    }
}

TEST(SmtpSession, EightBitContentIsNoticed) {
    SmtpServer server;
    start_message(server);
    (void)server.codes("Subject: x\r\n\r\nsaludandome a mi mismo, se\xc3\xb1or\r\n.\r\n");
    EXPECT_TRUE(server.spool.at(0).mail.body_8bit);
}

TEST(SmtpSession, BareLfIsRepairedWhereConfigured) {
    Policy policy = default_policy();
    policy.bare_lf = BareLf::repair;
    SmtpServer server(policy);
    start_message(server);
    EXPECT_EQ(server.codes("Subject: x\n\nold scanner\n\r\n.\r\n"), "250");
    EXPECT_EQ(without_trace(server.spool.at(0).content), "Subject: x\r\n\r\nold scanner\r\n\r\n");
    SmtpServer smuggled(policy);
    start_message(smuggled);
    EXPECT_EQ(smuggled.say("x\n.\nMAIL FROM:<a@b.example>\r\n").substr(0, 9), "550 5.5.2");
    EXPECT_TRUE(smuggled.closed());
}

TEST(SmtpSession, ALongSecretFitsIntoALineOfASubmissionListener) {
    const std::string long_line = "AUTH PLAIN " + std::string(4000, 'A') + "\r\n";
    Peer user = default_peer();
    user.auth = user.plaintext_auth = true;
    SmtpServer submission(default_policy(), user);
    (void)submission.codes("EHLO x\r\n");
    EXPECT_NE(submission.codes(long_line), "500");
    SmtpServer mx;
    (void)mx.codes("EHLO x\r\n");
    EXPECT_EQ(mx.codes(long_line), "500");
}

TEST(SmtpSession, BareLfIsRepairedForAListenerOfOldDevices) {
    Peer scanner = default_peer();
    scanner.repair_line_ends = true;
    SmtpServer server(default_policy(), scanner);
    start_message(server);
    EXPECT_EQ(server.codes("Subject: x\n\nold scanner\n\r\n.\r\n"), "250");
}

TEST(SmtpSession, SizeIsRefusedBeforeTheData) {
    SmtpServer server;
    (void)server.codes("EHLO x\r\n");
    EXPECT_EQ(server.say("MAIL FROM:<a@b.example> SIZE=26214401\r\n").substr(0, 9), "552 5.3.4");
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example> SIZE=26214400\r\n"), "250");
}

TEST(SmtpSession, NoSpaceAndNoQueueAreTemporary) {
    SmtpServer server;
    (void)server.codes("EHLO x\r\n");
    server.space = SpaceVerdict::no_space;
    (void)server.codes("MAIL FROM:<a@b.example>\r\nRCPT TO:<lir@micasa.test>\r\n");
    EXPECT_EQ(server.say("DATA\r\n").substr(0, 9), "452 4.3.1");
    server.space = SpaceVerdict::no_queue;
    EXPECT_EQ(server.say("DATA\r\n").substr(0, 9), "451 4.3.2");
    server.space = SpaceVerdict::granted;
    EXPECT_EQ(server.codes("DATA\r\n"), "354") << "the transaction has survived";
}

TEST(SmtpSession, RunningOutOfSpaceInTheMiddle) {
    SmtpServer server;
    start_message(server);
    server.body_room = 1000;
    for (int i = 0; i < 100; ++i) EXPECT_EQ(server.say("0123456789012345678901234567890123456789\r\n"), "");
    EXPECT_EQ(server.say(".\r\n").substr(0, 9), "452 4.3.1");
    EXPECT_TRUE(server.spool.empty());
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example>\r\n"), "250");
}

TEST(SmtpSession, QueueVerdicts) {
    const std::pair<QueueVerdict, const char*> verdicts[] = {{QueueVerdict::no_space, "452 4.3.1"},
                                                             {QueueVerdict::invalid, "554 5.6.0"},
                                                             {QueueVerdict::temporary, "451 4.3.0"}};
    for (const auto& [verdict, code] : verdicts) {
        SmtpServer server;
        start_message(server);
        server.queue = verdict;
        EXPECT_EQ(server.say("x\r\n.\r\n").substr(0, 9), code);
        EXPECT_FALSE(server.logged("mail-in"));
        EXPECT_TRUE(server.logged("mail-refused"));
        EXPECT_EQ(server.codes("DATA\r\n"), "503");
    }
}

TEST(SmtpSession, LookupFailureIsTemporary) {
    SmtpServer server;
    server.broken_lookup = RecipientVerdict::temporary;
    (void)server.codes("EHLO x\r\n");
    (void)server.codes("MAIL FROM:<a@b.example>\r\n");
    EXPECT_EQ(server.say("RCPT TO:<x@micasa.test>\r\n").substr(0, 9), "451 4.3.0");
}

TEST(SmtpSession, TypedFormsAreNoted) {
    SmtpServer server;
    (void)server.codes("HELO pc14\n");
    (void)server.codes("MAIL FROM: a@b.example\n");
    int notes = 0;
    for (const auto& line : server.log) notes += line.substr(0, 11) == "syntax-note" ? 1 : 0;
    EXPECT_EQ(notes, 2) << "the line end once, the missing brackets once";
}

TEST(SmtpSession, HeloInTheMiddleForgetsTheMessage) {
    SmtpServer server;
    (void)server.codes("EHLO x\r\n");
    (void)server.codes("MAIL FROM:<a@b.example>\r\nRCPT TO:<lir@micasa.test>\r\n");
    EXPECT_EQ(server.codes("HELO x\r\n"), "250");
    EXPECT_EQ(server.codes("DATA\r\n"), "503");
}

TEST(SmtpSession, TimeoutAndShutdownSaySo) {
    SmtpServer server;
    server.session().timeout();
    EXPECT_TRUE(server.closed());
    SmtpServer idle;
    idle.session().shut_down();
    EXPECT_TRUE(idle.closed());
    SmtpServer busy;
    start_message(busy);
    busy.session().shut_down();
    EXPECT_FALSE(busy.closed()) << "the message under way is finished first";
    EXPECT_EQ(busy.codes("x\r\n.\r\n"), "250 421");
    EXPECT_TRUE(busy.closed());
    EXPECT_EQ(busy.spool.size(), 1U);
}

TEST(SmtpSession, LateAnswersFindNobody) {
    SmtpServer server;
    (void)server.codes("EHLO x\r\n");
    server.hold_lookup = true;
    (void)server.codes("MAIL FROM:<a@b.example>\r\nRCPT TO:<lir@micasa.test>\r\n");
    server.session().timeout();
    server.answer_lookups();
    EXPECT_FALSE(has(server.take_output(), "250 2.1.5"));
    server.session().login_accepted("lir");
    server.session().queue_answer(QueueVerdict::stored, "x");
    EXPECT_EQ(server.take_output(), "");
}

// ---- AUTH

TEST(SmtpAuth, OfferedOnlyWhereSecretsMayPass) {
    Peer far = submission_peer();
    far.plaintext_auth = false;
    SmtpServer server(default_policy(), far);
    EXPECT_FALSE(has(server.say("EHLO x\r\n"), "AUTH"));
    EXPECT_EQ(server.say("AUTH PLAIN " + plain("lir", "pamplona") + "\r\n").substr(0, 9), "530 5.7.0");
    EXPECT_TRUE(server.asked.empty());
    (void)server.codes("STARTTLS\r\n");
    server.start_tls();
    EXPECT_TRUE(has(server.say("EHLO x\r\n"), "250-AUTH PLAIN LOGIN\r\n"));
    EXPECT_EQ(server.codes("AUTH PLAIN " + plain("lir", "pamplona") + "\r\n"), "235");
    EXPECT_FALSE(has(server.say("EHLO x\r\n"), "AUTH"));
}

TEST(SmtpAuth, SubmissionNeedsALogin) {
    SmtpServer server(default_policy(), submission_peer());
    (void)server.codes("EHLO x\r\n");
    EXPECT_EQ(server.say("MAIL FROM:<lir@micasa.test>\r\n").substr(0, 9), "530 5.7.0");
    EXPECT_EQ(server.codes("AUTH PLAIN " + plain("lir", "pamplona") + "\r\n"), "235");
    EXPECT_EQ(server.codes("MAIL FROM:<lir@micasa.test>\r\nRCPT TO:<u@yahoo.com>\r\nDATA\r\n"), "250 250 354");
    EXPECT_EQ(server.codes("Subject: x\r\n\r\nx\r\n.\r\n"), "250");
    EXPECT_EQ(server.spool.at(0).login, "lir");
    EXPECT_FALSE(server.spool.at(0).mail.recipients.at(0).local);
    EXPECT_TRUE(has(server.spool.at(0).content, "with ESMTPA id"));
}

TEST(SmtpAuth, ScramOverTls) {
    Policy policy = default_policy();
    policy.scram = true;
    SmtpServer server(policy, submission_peer(), true);
    EXPECT_TRUE(has(server.say("EHLO x\r\n"), "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"));
    const auto b64 = [](const std::string& text) { return proto::base64_encode(text); };
    const std::string gs2 = "p=tls-exporter,,";
    EXPECT_EQ(server.codes("AUTH SCRAM-SHA-256-PLUS " + b64(gs2 + "n=daniel,r=abc") + "\r\n"), "334");
    const std::string final = "c=" + b64(gs2 + SmtpServer::exporter) + ",r=abcSERVER,p=" + b64(std::string(32, 'p'));
    EXPECT_EQ(server.say(b64(final) + "\r\n"), "334 " + b64("v=" + b64(std::string(32, 's'))) + "\r\n");
    EXPECT_EQ(server.codes("\r\n"), "235");
    EXPECT_EQ(server.codes("MAIL FROM:<daniel@micasa.test>\r\n"), "250");
}

TEST(SmtpAuth, ScramWithoutVerifiersIsNotOffered) {
    SmtpServer server(default_policy(), submission_peer());
    (void)server.codes("EHLO x\r\n");
    EXPECT_EQ(server.say("AUTH SCRAM-SHA-256 biws\r\n").substr(0, 9), "504 5.5.4");
    EXPECT_EQ(server.say("AUTH CRAM-MD5\r\n").substr(0, 9), "504 5.5.4");
}

TEST(SmtpAuth, AfterEhloAndOnceAndNotDuringAMessage) {
    SmtpServer server(default_policy(), submission_peer());
    const std::string auth = "AUTH PLAIN " + plain("lir", "pamplona") + "\r\n";
    EXPECT_EQ(server.codes(auth), "503") << "EHLO first";
    EXPECT_EQ(server.codes("EHLO x\r\n"), "250");
    EXPECT_EQ(server.codes(auth), "235");
    EXPECT_EQ(server.codes(auth), "503");
    EXPECT_EQ(server.codes("MAIL FROM:<lir@micasa.test>\r\n"), "250");
    EXPECT_EQ(server.codes(auth), "503");
    EXPECT_EQ(server.codes("RCPT TO:<daniel@micasa.test>\r\n"), "250") << "the message goes on";
}

TEST(SmtpAuth, SecretsDoNotReachTheTranscript) {
    Policy policy = default_policy();
    policy.transcript = true;
    SmtpServer server(policy, submission_peer());
    (void)server.codes("EHLO x\r\n");
    (void)server.codes("AUTH PLAIN " + plain("lir", "pamplona") + "\r\n");
    SmtpServer steps(policy, submission_peer());
    (void)steps.codes("EHLO x\r\n");
    (void)steps.codes("AUTH LOGIN\r\n");
    (void)steps.codes(proto::base64_encode("lir") + "\r\n");
    (void)steps.codes(proto::base64_encode("pamplona") + "\r\n");
    EXPECT_TRUE(server.logged("transcript"));
    for (const auto* log : {&server.log, &steps.log})
        for (const auto& line : *log) {
            EXPECT_FALSE(has(line, plain("lir", "pamplona"))) << line;
            EXPECT_FALSE(has(line, proto::base64_encode("pamplona"))) << line;
        }
}

TEST(SmtpCommands, EveryVisibleRowIsDocumented) {
    for (const auto& row : commands()) {
        EXPECT_FALSE(row.syntax.empty()) << row.verb;
        EXPECT_FALSE(row.help.empty()) << row.verb;
        EXPECT_NE(row.rfc.find("RFC "), std::string_view::npos) << row.verb;
        EXPECT_EQ(row.syntax.substr(0, row.verb.size()), row.verb);
    }
}

} // namespace
} // namespace posada::smtpd::test
