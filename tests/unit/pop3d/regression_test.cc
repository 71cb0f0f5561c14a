// SPDX-License-Identifier: BSD-2-Clause
// Mistakes that other POP3 servers made, one test per row of the list; the id is in the name.
#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>
#include <random>
#include <set>

#include "common/base/log.h"
#include "common/store/mailbox.h"
#include "tests/unit/common/store/recording_ops.h"
#include "tests/unit/pop3d/pure_server.h"

using namespace posada;
using namespace posada::pop3d;
using namespace posada::pop3d::testing;

namespace {

struct Server : PureServer {
    explicit Server(Policy policy = test_policy()) : PureServer({true, true}, std::move(policy)) {
        greet();
        take_output();
    }
};

Policy patient() {
    Policy policy = test_policy();
    policy.max_bad_commands_login = 1'000'000;
    policy.max_bad_commands = 1'000'000;
    return policy;
}

struct Silence final : LogSink {
    Silence() { set_log_sink(this); }
    ~Silence() override { set_log_sink(nullptr); }
    void write(const LogEvent&, std::string_view) noexcept override {}
};

std::string plain(const std::string& message) { return "AUTH PLAIN " + proto::base64_encode(message); }

} // namespace

TEST(PopRegression, Row1_Cve20110411_Cve202133515_NothingBehindStlsIsRead) {
    Server server;
    server.receive("STLS\r\nUSER lir\r\nPASS pamplona\r\n");
    EXPECT_TRUE(server.injected) << "the bytes stay with the driver, which ends the connection";
    const std::string reply = server.take_output();
    EXPECT_EQ(std::count(reply.begin(), reply.end(), '\n'), 1) << reply;
    EXPECT_FALSE(server.session().logged_in());
}

TEST(PopRegression, Row1_Cve20110411_NotEvenHalfALineBehindStlsIsRead) {
    Server server;
    EXPECT_EQ(server.session().consume("STLS\r\nUSER li"), 6U) << "the rest stays with the driver";
    server.session().take_effects();
    server.session().tls_started("");
    server.receive("CAPA\r\n");
    EXPECT_TRUE(server.take_output().starts_with("+OK"));
}

TEST(PopRegression, Row2_Cve201911500_NulInACommand) {
    using namespace std::string_literals;
    Server server;
    EXPECT_TRUE(server.say("USER \"x\0\\\" \"y\""s).starts_with("-ERR "));
}

TEST(PopRegression, Row3_NulNeverTruncatesAName) {
    using namespace std::string_literals;
    Server server(patient());
    server.on_login = [](Session&) { ADD_FAILURE() << "a name with NUL reached the monitor"; };
    EXPECT_TRUE(server.say("USER lir\0x"s).starts_with("-ERR "));
    EXPECT_TRUE(server.say(plain("\0lir\0pamplona\0"s)).starts_with("-ERR "));
    EXPECT_TRUE(server.say(plain("\0lir\0x\0pamplona"s)).starts_with("-ERR "));
    EXPECT_TRUE(server.say(plain("\0\0lir\0pamplona"s)).starts_with("-ERR "));
}

TEST(PopRegression, Row3_NulNeverEndsAPassword) {
    using namespace std::string_literals;
    Server server(patient());
    server.on_login = [](Session&) { ADD_FAILURE() << "a password with NUL reached the monitor"; };
    server.say("USER lir");
    EXPECT_TRUE(server.say("PASS pamplona\0"s).starts_with("-ERR "));
    EXPECT_TRUE(server.say("PASS pamplona\0x"s).starts_with("-ERR "));
    server.say("AUTH LOGIN " + proto::base64_encode("lir"));
    EXPECT_TRUE(server.say(proto::base64_encode("pamplona\0"s)).starts_with("-ERR "));
}

TEST(PopRegression, Row4_Cve201910691_InvalidUtf8NameIsAnOrdinaryFailure) {
    using namespace std::string_literals;
    Server server(patient());
    server.say("USER \xff\xfe\xc0");
    EXPECT_EQ(server.say("PASS x"), "-ERR [AUTH] wrong user name or password\r\n");
    EXPECT_EQ(server.say(plain("\0\xff\xfe\0x"s)), "-ERR [AUTH] wrong user name or password\r\n");
    server.say("USER lir");
    EXPECT_TRUE(server.say("PASS pamplona").starts_with("+OK"));
}

TEST(PopRegression, Row5_Cve20172669_Cve202624031_Cve202627860_NamesAreLiteral) {
    Server server(patient());
    for (const char* name : {"%{home}", "'; --", "*)(uid=*", "$(id)", "../lir", "lir:x", "%s%n"}) {
        server.say(std::string("USER ") + name);
        EXPECT_EQ(server.say("PASS pamplona"), "-ERR [AUTH] wrong user name or password\r\n") << name;
    }
}

TEST(PopRegression, Row6_Cve202559028_BadBase64FailsOnlyThisClient) {
    Server bad;
    Server good;
    good.say("AUTH PLAIN");
    bad.say("AUTH PLAIN");
    EXPECT_TRUE(bad.say("\x01\x02 not base64 ====").starts_with("-ERR "));
    using namespace std::string_literals;
    EXPECT_TRUE(good.say(proto::base64_encode("\0lir\0pamplona"s)).starts_with("+OK"));
    EXPECT_TRUE(bad.say("CAPA").starts_with("+OK"));
}

TEST(PopRegression, Row7_Cve201715132_TenThousandCancelledExchangesCostNoMemory) {
    Server server(patient());
    const auto exchange = [&] {
        server.say("AUTH PLAIN");
        EXPECT_TRUE(server.say("*").starts_with("-ERR "));
    };
    for (int i = 0; i < 100; ++i) exchange();
    const std::size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 10'000; ++i) exchange();
    EXPECT_LT(mallinfo2().uordblks, before + 4096);
}

TEST(PopRegression, Row8_Cve201911494_Cve201911499_AnExchangeMayEndAnywhere) {
    for (const char* first : {"AUTH PLAIN", "AUTH LOGIN"}) {
        Server server;
        server.say(first);
        server.receive("AGxpcg");
        server.session().timeout();
        EXPECT_TRUE(server.closed());
    }
}

TEST(PopRegression, Row9_Cve202012673_Cve202012674_ShortMessagesForEveryMechanism) {
    using namespace std::string_literals;
    Policy policy = patient();
    policy.scram = true;
    Server server(policy);
    for (const char* mechanism : {"PLAIN", "LOGIN", "SCRAM-SHA-256"})
        for (const std::string& message : {""s, "\0"s, "n"s, "\0\0"s, "\0\0\0"s, ",,"s, "n,,"s, "n,,n=,r="s}) {
            std::string reply =
                server.say("AUTH "s + mechanism + " " + (message.empty() ? "=" : proto::base64_encode(message)));
            if (reply.starts_with("+ ")) reply = server.say("");
            EXPECT_TRUE(reply.starts_with("-ERR ")) << mechanism << ": " << reply;
        }
    EXPECT_FALSE(server.session().logged_in());
}

TEST(PopRegression, Row10_Cve202627857_Cve202642006_AMegabyteOfParentheses) {
    for (const char c : {'(', ')'}) {
        Server server(patient());
        server.receive("NOOP ");
        const std::size_t before = mallinfo2().uordblks;
        for (int i = 0; i < 256; ++i) server.receive(std::string(4096, c));
        EXPECT_LT(mallinfo2().uordblks, before + 64 * 1024);
        server.receive("\r\nCAPA\r\n");
        const std::string reply = server.take_output();
        EXPECT_TRUE(reply.starts_with("-ERR line too long\r\n+OK")) << reply.substr(0, 80);
    }
}

TEST(PopRegression, Row10_AfterLoginToo) {
    Server server;
    server.say("USER lir");
    server.say("PASS pamplona");
    server.receive("NOOP " + std::string(1 << 20, '(') + "\r\nNOOP\r\n");
    EXPECT_EQ(server.take_output(), "-ERR line too long\r\n+OK\r\n");
}

TEST(PopRegression, Row12_Cve202561600_AnEndlessArgumentBeforeLoginIsNotKept) {
    Server server(patient());
    const std::size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 4096; ++i) server.receive(std::string(4096, 'A'));
    EXPECT_LT(mallinfo2().uordblks, before + 64 * 1024);
}

TEST(PopRegression, Row14_Cve202530189_ALoginAfterAnotherIsOfItsOwnUser) {
    Server server(patient());
    server.say("USER lir");
    EXPECT_TRUE(server.say("PASS hungry").starts_with("-ERR [AUTH]")) << "daniel's password";
    EXPECT_TRUE(server.say("PASS pamplona").starts_with("-ERR ")) << "the name went with the refusal";
    server.say("USER daniel.morato");
    EXPECT_TRUE(server.say("PASS hungry").starts_with("+OK daniel.morato has"));
}

TEST(PopRegression, Row15_Cve202633603_ScramPlusWithAWrongExporterIsRefused) {
    Policy policy = test_policy();
    policy.scram = true;
    PureServer server({true, false}, policy);
    server.exporter = std::string(32, 'e');
    server.greet(true);
    server.take_output();
    const std::string nonce = "rOprNGfwEbeRWgbNEkqO";
    EXPECT_TRUE(server.say("AUTH SCRAM-SHA-256-PLUS " + proto::base64_encode("p=tls-exporter,,n=user,r=" + nonce))
                    .starts_with("+ "));
    const std::string wrong = proto::base64_encode("p=tls-exporter,," + std::string(32, 'f'));
    EXPECT_TRUE(server
                    .say(proto::base64_encode("c=" + wrong + ",r=" + nonce + "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=" +
                                              "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="))
                    .starts_with("-ERR "));
    EXPECT_FALSE(server.session().logged_in());
}

TEST(PopRegression, Row15_AClientThatWasShownAShorterListIsRefused) {
    Policy policy = test_policy();
    policy.scram = true;
    PureServer server({true, false}, policy);
    server.exporter = std::string(32, 'e');
    server.greet(true);
    server.take_output();
    EXPECT_TRUE(server.say("AUTH SCRAM-SHA-256 " + proto::base64_encode("y,,n=user,r=rOprNGfwEbeRWgbNEkqO"))
                    .starts_with("-ERR "));
}

TEST(PopRegression, Row16_Cve20193814_NoMechanismTakesACertificateForAPassword) {
    Server server(patient());
    server.on_login = [](Session&) { ADD_FAILURE() << "a login without a password reached the monitor"; };
    for (const char* line : {"AUTH EXTERNAL", "AUTH EXTERNAL =", "AUTH EXTERNAL bGly", "AUTH ANONYMOUS bGly"})
        EXPECT_TRUE(server.say(line).starts_with("-ERR ")) << line;
    EXPECT_EQ(server.say("CAPA").find("EXTERNAL"), std::string::npos);
    EXPECT_TRUE(server.say("AUTH PLAIN " + proto::base64_encode(std::string("\0lir\0", 5))).starts_with("-ERR "));
}

TEST(PopRegression, Row17_AnExchangeCannotBeReplayed) {
    using namespace std::string_literals;
    Server server(patient());
    server.say("AUTH LOGIN");
    server.say(proto::base64_encode("lir"));
    server.say(proto::base64_encode("wrong"));
    EXPECT_TRUE(server.say(proto::base64_encode("pamplona")).starts_with("-ERR unknown command"));
}

// Whatever stands in the list of UIDs: every message is there once, with an id of its own that stays.
TEST(PopRegression, Row35_Cve20197524_AHostileUidlistLosesNoMessage) {
    store::testing::Scratch scratch;
    Silence silence;
    store::FileOps ops = store::system_file_ops();
    ops.fsync = [](int) { return 0; }; // hundreds of lists: no disk is waited for
    const auto maildir = store::Maildir::open_or_create(scratch.maildir(), ops);
    ASSERT_TRUE(maildir.ok());
    for (int i = 1; i <= 20; ++i) scratch.put("new/" + std::to_string(i) + ".a,S=6,W=8", "a: b\n\n");
    const auto ids = [&] {
        std::set<std::string> out;
        const auto box = store::Mailbox::open(*maildir, {});
        EXPECT_TRUE(box.ok()) << box.error().describe();
        for (std::size_t i = 0; box && i < box->messages().size(); ++i) out.insert(box->uidl(i));
        return out;
    };
    ASSERT_EQ(ids().size(), 20U);
    const std::string list = scratch.maildir() + "/dovecot-uidlist";
    const std::string good = *read_file(list, 1 << 20);
    const std::string start = "3 V1700000000 N21 G0123456789abcdef0123456789abcdef\n";
    std::vector<std::string> hostile = {"",
                                        "\n",
                                        "3",
                                        "3 V",
                                        "3 V0 N0\n",
                                        "3 V4294967295 N4294967295\n1 :1.a\n",
                                        "9 V1 N1\n",
                                        "3 V99999999999999999999 N-1\n",
                                        std::string(1 << 20, '3'),
                                        std::string(4096, '\0'),
                                        start + std::string(1 << 20, ' '),
                                        start + "1 " + std::string(100'000, 'P') + " :1.a\n",
                                        start + "0 :1.a\n-1 :2.a\n4294967295 :3.a\n4294967296 :4.a\n",
                                        start + "5 :1.a\n4 :2.a\n5 :3.a\n5 :1.a\n",
                                        start + "1 :../../etc/passwd\n2 :/etc/passwd\n3 :..\n4 :\n5\n:\n",
                                        start + "1 Px y :1.a\n2 Px :2.a\n3 Px :3.a\n",
                                        start + "1 W18446744073709551616 S-5 :1.a\n",
                                        good.substr(0, good.size() / 2),
                                        good + good};
    std::mt19937 chance(35);
    for (int i = 0; i < 200; ++i) {
        hostile.push_back(good);
        for (int n = 0; n < 1 + i % 5; ++n) hostile.back()[chance() % good.size()] = static_cast<char>(chance());
    }
    for (const std::string& text : hostile) {
        std::ofstream(list, std::ios::binary | std::ios::trunc) << text;
        const auto first = ids();
        EXPECT_EQ(first.size(), 20U) << text.substr(0, 300);
        EXPECT_EQ(ids(), first) << text.substr(0, 300);
        for (const std::string& id : first)
            EXPECT_TRUE(id.size() <= 70 && id.find_first_of(" \r\n") == std::string::npos);
    }
}

TEST(PopRegression, EmptyLineAndColonAndBareSpace) {
    Server server(patient());
    for (const char* line : {"", ":", "a:b", "CAPA:", " ", "\t"})
        EXPECT_TRUE(server.say(line).starts_with("-ERR ")) << line;
    EXPECT_TRUE(server.say("CAPA").starts_with("+OK"));
}

TEST(PopRegression, DisconnectDuringList) {
    Server server;
    server.mailbox.assign(10'000, "\r\n");
    server.say("USER lir");
    server.say("PASS pamplona");
    server.hold_output = true;
    server.receive("LIST\r\n");
    ASSERT_TRUE(server.session().listing());
    server.session().timeout();
    server.drained();
    EXPECT_TRUE(server.closed());
}

TEST(PopRegression, InitialResponseSplitOverPackets) {
    using namespace std::string_literals;
    const std::string line = plain("\0lir\0pamplona"s) + "\r\n";
    for (std::size_t at = 1; at < line.size(); ++at) {
        Server server;
        server.receive(line.substr(0, at));
        server.receive(line.substr(at));
        EXPECT_TRUE(server.take_output().starts_with("+OK lir has")) << at;
    }
}

TEST(PopRegression, DeleRsetDeleManyTimesCostsNoMemory) {
    Server server(patient());
    server.mailbox.assign(100, "\r\n");
    server.say("USER lir");
    server.say("PASS pamplona");
    const auto round = [&] {
        server.say("DELE 1");
        server.say("RSET");
    };
    for (int i = 0; i < 10; ++i) round();
    const std::size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 1000; ++i) round();
    EXPECT_LT(mallinfo2().uordblks, before + 4096);
}

TEST(PopRegression, AReplyNeverHasASecondLineFromTheClient) {
    Server server(patient());
    for (const char* line : {"HELP x\ry", "FOO\x01\x1b[2J", "USER a\x7f"}) {
        const std::string reply = server.say(line);
        EXPECT_EQ(std::count(reply.begin(), reply.end(), '\n'), 1) << reply;
        EXPECT_LE(reply.size(), 512U);
    }
}
