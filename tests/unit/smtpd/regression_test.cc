// SPDX-License-Identifier: BSD-2-Clause
// What broke other mail servers, by row of the project's list of regressions: what is sent and what must be seen.
// Rows about the process (stores, TLS buffers, link attacks) are tested where those parts live.
#include <gtest/gtest.h>

#include "common/proto/base64.h"
#include "tests/unit/smtpd/session_fixture.h"

namespace posada::smtpd::test {
namespace {

const std::string smuggled =
    "MAIL FROM:<admin@micasa.test>\r\nRCPT TO:<lir@micasa.test>\r\nDATA\r\nFrom: forged\r\n\r\nx\r\n.\r\n";

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Up to the 354 of a message for lir.
void start_message(SmtpServer& server) {
    ASSERT_EQ(server.codes("EHLO client.example\r\n"), "250");
    ASSERT_EQ(server.codes("MAIL FROM:<a@b.example>\r\nRCPT TO:<lir@micasa.test>\r\nDATA\r\n"), "250 250 354");
}
void start_dialog(SmtpServer& server) { ASSERT_EQ(server.codes("EHLO client.example\r\n"), "250"); }

std::string b64(std::string_view text) { return proto::base64_encode(text); }
std::string plain(std::string_view user, std::string_view password) {
    return b64(std::string(1, '\0').append(user).append(1, '\0').append(password));
}

// ---- 1-8: data and TLS boundaries

TEST(SmtpRegression, Row1_CVE_2023_51764_51765_51766_Smuggling) {
    const std::string variants[] = {"\n.\n",
                                    "\n.\r",
                                    "\r.\n",
                                    "\r.\r",
                                    "\n.\r\n",
                                    "\r.\r\n",
                                    "\r\n.\n",
                                    "\r\n.\r",
                                    "\r\n.\r\r\n",
                                    "\r\r\n.\r\r\n",
                                    std::string("\r\n\0.\r\n", 6)};
    for (const auto& variant : variants) {
        const std::string content = "Subject: one\r\n\r\nbody" + variant + smuggled;
        for (std::size_t cut = 0; cut <= content.size(); ++cut) {
            SmtpServer server;
            start_message(server);
            server.receive(content.substr(0, cut));
            if (!server.closed()) server.receive(content.substr(cut));
            EXPECT_TRUE(server.spool.empty()) << testing::PrintToString(variant) << cut;
            EXPECT_EQ(server.take_output().substr(0, 9), "550 5.5.2") << testing::PrintToString(variant) << cut;
            EXPECT_TRUE(server.closed());
        }
    }
}

TEST(SmtpRegression, Row2_SmugglingByBdatIsNotPossible) {
    SmtpServer server;
    start_dialog(server);
    const std::string said =
        server.say("MAIL FROM:<a@b.example>\r\nRCPT TO:<lir@micasa.test>\r\nBDAT 86 LAST\r\n" + smuggled);
    EXPECT_TRUE(has(said, "502 5.5.1"));
    EXPECT_FALSE(has(said, "354"));
    EXPECT_TRUE(server.closed());
    EXPECT_TRUE(server.spool.empty());
}

TEST(SmtpRegression, Row3_FirstHeaderLineDoesNotChooseTheLineEnd) {
    SmtpServer server;
    start_message(server);
    EXPECT_EQ(server.say("Subject: a\nFrom: b\n\nbody\n.\n" + smuggled).substr(0, 9), "550 5.5.2");
    EXPECT_TRUE(server.closed());
    EXPECT_TRUE(server.spool.empty());
}

TEST(SmtpRegression, Row3_OneCrlfCommandMakesTheWholeDialogStrict) {
    SmtpServer server;
    (void)server.codes("HELO x\r\n");
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example>\n"), "250");
    EXPECT_EQ(server.codes("RCPT TO:<lir@micasa.test>\n"), "250");
    EXPECT_EQ(server.codes("DATA\n"), "354");
    EXPECT_EQ(server.say("x\n.\n").substr(0, 9), "550 5.5.2");
}

TEST(SmtpRegression, Row3_TypedLineEndsOnlyFromNearby) {
    Peer far = default_peer();
    far.typed = false;
    SmtpServer server(default_policy(), far);
    (void)server.codes("HELO x\n");
    (void)server.codes("MAIL FROM:<a@b.example>\nRCPT TO:<lir@micasa.test>\nDATA\n");
    EXPECT_EQ(server.say("x\n.\n").substr(0, 9), "550 5.5.2");
}

TEST(SmtpRegression, Row4_EndOfDataSplitOverSegments) {
    for (const std::size_t fill : {0U, 1U, 65'535U, 65'536U, 65'537U}) {
        SmtpServer server;
        start_message(server);
        server.receive(std::string(fill, 'x'));
        for (const char c : std::string("\r\n.\r\n")) {
            EXPECT_TRUE(server.spool.empty());
            server.receive(std::string(1, c));
        }
        EXPECT_EQ(server.codes("NOOP\r\n"), "250 250");
        EXPECT_EQ(server.spool.size(), 1U);
    }
}

TEST(SmtpRegression, Row5_NulDotLine) {
    SmtpServer server;
    start_message(server);
    const std::string said = server.say(std::string("x\r\n.\0x\r\nMAIL FROM:<a@b.example>\r\n.\r\n", 36));
    EXPECT_EQ(said.substr(0, 9), "550 5.5.2");
    EXPECT_TRUE(server.spool.empty());
    EXPECT_TRUE(server.closed());
}

TEST(SmtpRegression, Row6_OversizeIsReadToTheTrueEnd) {
    Policy policy = default_policy();
    policy.max_message_size = 1000;
    SmtpServer server(policy);
    start_message(server);
    std::string content;
    for (int i = 0; i < 100; ++i) content += "MAIL FROM:<a@b.example>\r\nDATA\r\nQUIT\r\n";
    EXPECT_EQ(server.codes(content), "");
    EXPECT_EQ(server.codes(".\r\n"), "552");
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example>\r\n"), "250") << "the dialog goes on";
    EXPECT_TRUE(server.spool.empty());
}

TEST(SmtpRegression, Row8_CVE_2011_0411_CommandBehindStarttls) {
    SmtpServer server;
    start_dialog(server);
    const std::string said = server.say("STARTTLS\r\nRSET\r\nMAIL FROM:<a@b.example>\r\n");
    EXPECT_EQ(said, "220 2.0.0 Ready to start TLS\r\n");
    server.start_tls();
    EXPECT_TRUE(server.closed());
    EXPECT_EQ(server.take_output(), "");
}

TEST(SmtpRegression, Row8_HalfACommandDoesNotCrossTheHandshake) {
    SmtpServer server;
    start_dialog(server);
    (void)server.codes("STARTTLS\r\n");
    server.start_tls();
    EXPECT_EQ(server.codes("NOOP\r\n"), "250");
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example>\r\n"), "503") << "HELO of before is forgotten";
}

// ---- 12-19

TEST(SmtpRegression, Row12_CVE_2017_16943_BdatIsNotOfferedAndItsOctetsAreNoCommands) {
    for (const char* bdat : {"BDAT", "BDAT -1", "BDAT 99999999999999999999", "BDAT 0 LAST", "BDAT 4"}) {
        SmtpServer server;
        const std::string ehlo = server.say("EHLO x\r\n");
        EXPECT_FALSE(has(ehlo, "CHUNKING"));
        EXPECT_EQ(server.codes(std::string(bdat) + "\r\nNOOP\r\n"), "502") << bdat;
        EXPECT_TRUE(server.closed());
    }
}

TEST(SmtpRegression, Row13_CVE_2020_7247_ShellTextInTheSender) {
    for (const char* sender : {"<;sleep 9;>", "<;cmd;>", "<$(id)>", "<`id`>", "<;cmd;@>", "<\";id;\"@;id>"}) {
        SmtpServer server;
        start_dialog(server);
        const std::string said = server.say("MAIL FROM:" + std::string(sender) + "\r\n");
        EXPECT_EQ(said.substr(0, 9), "553 5.1.7") << sender;
        EXPECT_EQ(server.codes("RCPT TO:<lir@micasa.test>\r\n"), "503");
    }
}

TEST(SmtpRegression, Row15_CVE_2020_28021_28026_NewlineHiddenInXtext) {
    SmtpServer server(default_policy(), submission_peer());
    start_dialog(server);
    EXPECT_EQ(server.codes("AUTH PLAIN " + plain("daniel", "hungry") + "\r\n"), "235");
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example> AUTH=a+0Ab\r\n"), "501");
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example> AUTH=a+zzb\r\n"), "501");
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example> AUTH=a+\r\n"), "501");
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example> AUTH=<>\r\n"), "250");
    EXPECT_EQ(server.codes("RCPT TO:<lir@micasa.test> ORCPT=rfc822;a+0Ax\r\n"), "555");
}

TEST(SmtpRegression, Row16_CVE_2020_28022_ParameterScan) {
    std::string many;
    for (int i = 0; i < 90; ++i) many += " P" + std::to_string(i) + "=1";
    for (const std::string& parameters :
         {std::string(" =\""), std::string(" \"="), std::string(" ="), std::string(" =x"), std::string(" SIZE="),
          std::string(" SIZE"), std::string(" SIZE=-1"), std::string(" SIZE=99999999999999999999"),
          std::string(" SIZE=1 SIZE=1"), std::string(" BODY=BINARYMIME"), std::string(" SMTPUTF8"), many}) {
        SmtpServer server;
        start_dialog(server);
        const std::string code = server.codes("MAIL FROM:<a@b.example>" + parameters + "\r\n");
        EXPECT_TRUE(code == "501" || code == "555") << parameters << " " << code;
    }
}

TEST(SmtpRegression, Row17_CVE_2020_28017_RecipientsAreCounted) {
    SmtpServer server;
    Policy policy = default_policy();
    start_dialog(server);
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example>\r\n"), "250");
    for (std::uint32_t i = 0; i < policy.max_recipients; ++i) {
        server.passwords["user" + std::to_string(i)] = "x";
        EXPECT_EQ(server.codes("RCPT TO:<user" + std::to_string(i) + "@micasa.test>\r\n"), "250");
    }
    EXPECT_EQ(server.say("RCPT TO:<lir@micasa.test>\r\n").substr(0, 9), "452 4.5.3");
    EXPECT_EQ(server.codes("RCPT TO:<user0@micasa.test>\r\n"), "250") << "a repeated one is not one more";
    for (int i = 0; i < 900; ++i) EXPECT_EQ(server.codes("RCPT TO:<lir@micasa.test>\r\n"), "452");
    EXPECT_EQ(server.codes("DATA\r\n"), "354") << "the first hundred are still served";
    EXPECT_EQ(server.codes("x\r\n.\r\n"), "250");
    ASSERT_EQ(server.spool.size(), 1U);
    EXPECT_EQ(server.spool[0].mail.recipients.size(), policy.max_recipients);
}

TEST(SmtpRegression, Row17_RecipientsInALoopEndTheSession) {
    Policy policy = default_policy();
    policy.max_recipients = 1;
    SmtpServer server(policy);
    start_dialog(server);
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example>\r\nRCPT TO:<daniel@micasa.test>\r\n"), "250 250");
    for (int i = 0; i < 1100 && !server.closed(); ++i) server.receive("RCPT TO:<lir@micasa.test>\r\n");
    EXPECT_TRUE(server.closed());
    EXPECT_TRUE(has(server.take_output(), "421 4.7.0"));
}

TEST(SmtpRegression, Row18_CVE_2020_28020_HeaderWithoutEnd) {
    Policy policy = default_policy();
    policy.max_header_size = 64 << 10;
    SmtpServer server(policy);
    start_message(server);
    server.receive("Subject: x\r\n");
    for (int i = 0; i < 2000; ++i) server.receive(" folded, folded, folded, folded, folded\r\n");
    EXPECT_EQ(server.say("\r\nbody\r\n.\r\n").substr(0, 9), "552 5.3.4");
    EXPECT_TRUE(server.spool.empty());
}

TEST(SmtpRegression, Row18_TheHeaderMayHaveItsLargestSizeAndNoMore) {
    for (const auto& [octets, verdict] : {std::pair{200, "250"}, std::pair{201, "552"}}) {
        Policy policy = default_policy();
        policy.max_header_size = 200;
        SmtpServer server(policy);
        start_message(server);
        const std::string field = "Subject: " + std::string(static_cast<std::size_t>(octets) - 13, 'x') + "\r\n";
        EXPECT_EQ(server.say(field + "\r\nbody\r\n.\r\n").substr(0, 3), verdict) << octets;
    }
}

TEST(SmtpRegression, Row19_CVE_2019_10149_RecipientIsNoLanguage) {
    for (const char* local : {"${run{/bin/true}}", "${lookup}", "%n", "$USER", "|id", "../lir"}) {
        SmtpServer server;
        start_dialog(server);
        (void)server.codes("MAIL FROM:<a@b.example>\r\n");
        const std::string code = server.codes("RCPT TO:<" + std::string(local) + "@micasa.test>\r\n");
        EXPECT_TRUE(code == "550" || code == "553") << local << " " << code;
    }
}

// ---- 21-25: AUTH

TEST(SmtpRegression, Row21_CVE_2019_16928_LongEhlo) {
    SmtpServer server;
    EXPECT_EQ(server.say("EHLO " + std::string(12'000, 'x') + "\r\n").substr(0, 9), "500 5.5.2");
    EXPECT_EQ(server.codes("EHLO " + std::string(256, 'x') + "\r\n"), "501");
    EXPECT_EQ(server.codes("EHLO " + std::string(255, 'x') + "\r\n"), "250");
}

TEST(SmtpRegression, Row22_CVE_2018_6789_Base64Lengths) {
    for (const std::string& data :
         {std::string("A"), std::string("AA"), std::string("AAA"), std::string("AAAAA"), std::string("AAAAAA"),
          std::string("AAAAAAA"), std::string("!!!!"), std::string("AA=A"), std::string("AAA\xff")}) {
        SmtpServer server(default_policy(), submission_peer());
        start_dialog(server);
        EXPECT_EQ(server.say("AUTH PLAIN " + data + "\r\n").substr(0, 9), "501 5.5.2") << data;
        EXPECT_EQ(server.codes("AUTH PLAIN\r\n"), "334");
        EXPECT_EQ(server.say(data + "\r\n").substr(0, 9), "501 5.5.2") << data;
        EXPECT_TRUE(server.asked.empty());
    }
}

TEST(SmtpRegression, Row22_AMegabyteOfAuth) {
    SmtpServer server(default_policy(), submission_peer());
    start_dialog(server);
    EXPECT_EQ(server.codes("AUTH PLAIN\r\n"), "334");
    EXPECT_EQ(server.say(std::string(1 << 20, 'A') + "\r\n").substr(0, 9), "500 5.5.2");
    EXPECT_EQ(server.codes("NOOP\r\n"), "250") << "the exchange is over";
}

TEST(SmtpRegression, Row23_CVE_2023_42114_MalformedSaslSteps) {
    Policy policy = default_policy();
    policy.scram = true;
    for (const char* mechanism : {"PLAIN", "LOGIN", "SCRAM-SHA-256"})
        for (const char* message : {"", "=", "bg==", "biws", "AAAA", "biwsbj1h", "biwsbj1hLHI9", "PT09"}) {
            SmtpServer server(policy, submission_peer());
            start_dialog(server);
            for (int i = 0; i < 3 && !server.closed(); ++i) {
                std::string said = server.say("AUTH " + std::string(mechanism) + "\r\n");
                while (said.substr(0, 3) == "334") said = server.say(std::string(message) + "\r\n");
                EXPECT_TRUE(said.substr(0, 3) == "501" || said.substr(0, 3) == "535") << mechanism << said;
            }
        }
}

TEST(SmtpRegression, Row24_CVE_2011_1720_ExchangeIsNotReused) {
    SmtpServer server(default_policy(), submission_peer());
    start_dialog(server);
    for (const char* first : {"LOGIN", "PLAIN"}) {
        EXPECT_EQ(server.codes("AUTH " + std::string(first) + "\r\n"), "334");
        EXPECT_EQ(server.codes("*\r\n"), "501");
        EXPECT_EQ(server.codes("AUTH LOGIN " + b64("lir") + "\r\n"), "334");
        EXPECT_EQ(server.codes(b64("wrong") + "\r\n"), "535");
    }
    EXPECT_EQ(server.codes("AUTH LOGIN\r\n"), "334");
    EXPECT_EQ(server.codes(b64("lir") + "\r\n"), "334") << "the first answer is a name again";
    EXPECT_EQ(server.codes(b64("pamplona") + "\r\n"), "235");
}

TEST(SmtpRegression, Row25_ControlBytesInTheLoginReachNoHelper) {
    SmtpServer server(default_policy(), submission_peer());
    start_dialog(server);
    EXPECT_EQ(server.codes("AUTH PLAIN " + plain("a\nb", "x") + "\r\n"), "535");
    EXPECT_EQ(server.codes("AUTH LOGIN " + b64("a\rb") + "\r\n"), "535");
    EXPECT_TRUE(server.asked.empty());
}

TEST(SmtpRegression, Row30_CVE_2005_1513_EndlessCommandLine) {
    SmtpServer server;
    const std::string block(1 << 20, 'x');
    for (int i = 0; i < 64; ++i) EXPECT_EQ(server.say(block), "");
    EXPECT_EQ(server.codes("\r\nNOOP\r\n"), "500 250");
}

// ---- 36-40

TEST(SmtpRegression, Row36_TalkingOutOfTurn) {
    SmtpServer ehlo;
    EXPECT_EQ(ehlo.say("EHLO x\r\nMAIL FROM:<a@b.example>\r\n").substr(0, 9), "554 5.5.0");
    EXPECT_TRUE(ehlo.closed());
    SmtpServer data;
    start_dialog(data);
    EXPECT_EQ(data.codes("MAIL FROM:<a@b.example>\r\nRCPT TO:<lir@micasa.test>\r\nDATA\r\nx\r\n.\r\n"), "250 250 554");
    EXPECT_TRUE(data.closed());
    EXPECT_TRUE(data.spool.empty());
    const Policy policy = default_policy();
    Session early(policy);
    early.set_peer(default_peer());
    early.greet(true);
    EXPECT_TRUE(early.closed());
    const auto effects = early.take_effects();
    bool refused = false;
    for (const auto& effect : effects)
        if (const auto* reply = std::get_if<SendReply>(&effect)) refused = reply->bytes.substr(0, 9) == "554 5.5.0";
    EXPECT_TRUE(refused);
}

TEST(SmtpRegression, Row36_PipeliningItselfIsFine) {
    SmtpServer server;
    start_dialog(server);
    server.hold_lookup = true;
    EXPECT_EQ(
        server.codes("MAIL FROM:<a@b.example>\r\nRCPT TO:<lir@micasa.test>\r\nNOOP\r\nRCPT TO:<x@micasa.test>\r\n"),
        "250")
        << "what follows waits for the recipient's answer";
    server.answer_lookups();
    EXPECT_EQ(server.codes("QUIT\r\n"), "250 250 550 221");
}

TEST(SmtpRegression, Row37_HttpIsDroppedAtTheFirstLine) {
    for (const char* request : {"GET / HTTP/1.1", "POST / HTTP/1.1", "CONNECT x:25 HTTP/1.0", "get / HTTP/1.0"}) {
        SmtpServer server;
        (void)server.take_output();
        const std::string said = server.say(std::string(request) + "\r\nHost: x\r\n\r\nHELO x\r\n" + smuggled);
        EXPECT_EQ(said.substr(0, 9), "554 5.5.0") << request;
        EXPECT_EQ(said.find('\n'), said.size() - 1) << "one reply only";
        EXPECT_TRUE(server.closed());
    }
}

TEST(SmtpRegression, Row39_NulControlAndEightBitBytes) {
    SmtpServer server;
    start_dialog(server);
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example>\r\n"), "250");
    EXPECT_EQ(server.codes(std::string("RCPT TO:<lir\0@micasa.test>\r\n", 28)), "500");
    EXPECT_EQ(server.codes(std::string("RCPT TO:<lir@micasa.test>\0x\r\n", 29)), "500");
    EXPECT_EQ(server.say("RCPT TO:<l\xc3\xadr@micasa.test>\r\n").substr(0, 9), "553 5.6.7");
    EXPECT_EQ(server.codes("RCPT TO:<l\x01r@micasa.test>\r\n"), "553");
    EXPECT_EQ(server.codes("RCPT TO:<lir@micasa.test>\rRCPT TO:<x@micasa.test>\r\n"), "500");
    EXPECT_EQ(server.codes("HELO a\x01\r\n"), "501");
    EXPECT_EQ(server.codes("\xff\xf4\xff\xfd\x06\r\n"), "500");
}

TEST(SmtpRegression, Row40_LongCommandLines) {
    SmtpServer server;
    EXPECT_EQ(server.codes("NOOP " + std::string(505, 'x') + "\r\n"), "250") << "512 octets with CRLF";
    EXPECT_EQ(server.codes("NOOP " + std::string(506, 'x') + "\r\n"), "500");
    SmtpServer submission(default_policy(), submission_peer());
    EXPECT_EQ(submission.codes("NOOP " + std::string(506, 'x') + "\r\n"), "500");
    EXPECT_EQ(submission.codes("RCPT " + std::string(3000, 'x') + "\r\n"), "500");
}

// ---- 44-49

TEST(SmtpRegression, Row44_MailLoopByReceivedCount) {
    for (const int hops : {100, 101}) {
        SmtpServer server;
        start_message(server);
        for (int i = 0; i < hops; ++i) server.receive(i % 2 == 0 ? "Received: by x\r\n" : "RECEIVED:\r\n\tby y\r\n");
        const std::string said = server.say("Subject: x\r\n\r\nReceived: in the body\r\n.\r\n");
        EXPECT_EQ(said.substr(0, 9), hops > 100 ? "554 5.4.6" : "250 2.0.0");
        EXPECT_EQ(server.spool.size(), hops > 100 ? 0U : 1U);
    }
}

TEST(SmtpRegression, Row45_UnknownRecipientIsRefusedAtOnce) {
    SmtpServer server;
    start_dialog(server);
    EXPECT_EQ(server.codes("MAIL FROM:<>\r\n"), "250");
    EXPECT_EQ(server.say("RCPT TO:<nobody@micasa.test>\r\n").substr(0, 9), "550 5.1.1");
    EXPECT_EQ(server.codes("DATA\r\n"), "503");
}

TEST(SmtpRegression, Row46_OpenRelay) {
    for (const char* recipient :
         {"<u%ext.example@micasa.test>", "<ext.example!u>", "<ext.example!u@micasa.test>",
          "<@micasa.test:u@ext.example>", "<\"u@ext.example\"@micasa.test>", "<u@ext.example@micasa.test>",
          "<u@[192.0.2.7]>", "<u@[IPv6:::1]>", "<u>", "<u%ext.example>", "<u@yahoo.com>", "<u@ext.example>",
          "<u@sub.micasa.test>", "<u@micasa.test.ext.example>", "<\"u\"@yahoo.com>",
          "<@yahoo.com,@micasa.test:u@yahoo.com>"})
        for (const char* sender : {"<lir@micasa.test>", "<>", "<x@[127.0.0.1]>"}) {
            SmtpServer server;
            start_dialog(server);
            EXPECT_EQ(server.codes("MAIL FROM:" + std::string(sender) + "\r\n"), "250");
            const std::string code = server.codes("RCPT TO:" + std::string(recipient) + "\r\n");
            EXPECT_TRUE(code == "550" || code == "553") << recipient << " " << code;
            EXPECT_EQ(server.codes("DATA\r\n"), "503");
        }
}

TEST(SmtpRegression, Row46_ForeignRecipientNeedsALoginOrARelayNetwork) {
    Peer scanner = default_peer();
    scanner.may_relay = true;
    SmtpServer server(default_policy(), scanner);
    start_dialog(server);
    (void)server.codes("MAIL FROM:<scanner@micasa.test>\r\n");
    EXPECT_EQ(server.codes("RCPT TO:<u@yahoo.com>\r\n"), "250");
    EXPECT_EQ(server.say("RCPT TO:<u@elsewhere.example>\r\n").substr(0, 9), "550 5.1.2") << "no route";
}

TEST(SmtpRegression, Row48_LogAndReplyInjection) {
    SmtpServer server;
    (void)server.take_output();
    for (const char* line :
         {"HELO a\x1b[31m", "XX\x1b[2J\x07", "MAIL FROM:<\x1b@b>", "HELO \xe2\x80\xae", "HELP \x1b"}) {
        const std::string said = server.say(std::string(line) + "\r\n");
        EXPECT_EQ(said.find('\n'), said.size() - 1);
        for (const char c : said) EXPECT_TRUE((c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n') << line;
    }
    for (const auto& entry : server.log)
        for (const char c : entry) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << entry;
}

TEST(SmtpRegression, Row48_HeloCannotForgeTheReceivedField) {
    SmtpServer server;
    EXPECT_EQ(server.codes("EHLO x)\\(by\tforged\r\n"), "501");
    EXPECT_EQ(server.codes("EHLO x)(by;\\\"evil\r\n"), "250");
    EXPECT_EQ(server.codes("MAIL FROM:<a@b.example>\r\nRCPT TO:<lir@micasa.test>\r\nDATA\r\n"), "250 250 354");
    EXPECT_EQ(server.codes("Subject: x\r\n\r\nx\r\n.\r\n"), "250");
    ASSERT_EQ(server.spool.size(), 1U);
    const std::string& content = server.spool[0].content;
    EXPECT_EQ(content.substr(0, content.find('\n')),
              "Received: from [127.0.0.1] (helo x\\)\\(by;\\\\x5c\\\\x22evil)\r");
}

TEST(SmtpRegression, Row49_ChattingWithoutMailEnds) {
    SmtpServer server;
    start_dialog(server);
    int sent = 0;
    while (!server.closed() && sent < 1000) {
        server.receive("NOOP\r\n");
        ++sent;
    }
    EXPECT_EQ(sent, 119);
    EXPECT_TRUE(has(server.take_output(), "421 4.7.0"));
}

TEST(SmtpRegression, Row49_RefusedCommandsEnd) {
    SmtpServer server;
    start_dialog(server);
    int sent = 0;
    while (!server.closed() && sent < 1000) {
        server.receive("XYZZY\r\n");
        ++sent;
    }
    EXPECT_EQ(sent, 20);
}

TEST(SmtpRegression, Row49_PasswordGuessingEnds) {
    SmtpServer server(default_policy(), submission_peer());
    start_dialog(server);
    server.bad_logins_left = 3;
    for (int i = 0; i < 2; ++i) EXPECT_EQ(server.codes("AUTH PLAIN " + plain("lir", "guess") + "\r\n"), "535");
    EXPECT_FALSE(server.closed());
    EXPECT_EQ(server.codes("AUTH PLAIN " + plain("lir", "guess") + "\r\n"), "535");
    EXPECT_TRUE(server.closed());
}

// The monitor never hears of these.
TEST(SmtpRegression, Row49_AttemptsThatAreNoPasswordEnd) {
    SmtpServer server(default_policy(), submission_peer());
    start_dialog(server);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(server.codes("AUTH PLAIN " + plain("lir", "") + "\r\n"), "535");
    EXPECT_FALSE(server.closed());
    EXPECT_EQ(server.codes("AUTH PLAIN " + plain("lir", "") + "\r\n"), "535");
    EXPECT_TRUE(server.closed());
    EXPECT_TRUE(server.asked.empty());
}

} // namespace
} // namespace posada::smtpd::test
