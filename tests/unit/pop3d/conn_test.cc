// SPDX-License-Identifier: BSD-2-Clause
// Conn, the driver: a client on one end of a socket, a monitor and an agent made of threads on the other.
#include "pop3d/conn.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "common/base/bytes.h"
#include "common/service/login_protocol.h"
#include "pop3d/agent.h"
#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::pop3d;

namespace {

constexpr const char* login = "USER lir\r\nPASS x\r\n";

class ConnTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(store::Maildir::open_or_create(scratch.maildir()).ok());
        settings.policy.hostname = "mail.micasa.test";
        settings.policy.banner = "posada POP3 server";
    }

    // Accepts any password and answers with the channel of an agent.
    void monitor(UniqueFd fd) {
        priv::Channel channel(std::move(fd));
        auto request = channel.receive(0);
        if (!request || !request->has_value()) return;
        std::this_thread::sleep_for(answer_after);
        auto pair = make_seqpacket_pair();
        const int theirs = pair->first.get();
        (void)channel.send(service::CheckPassword::row.type + 1, (*request)->session,
                           priv::answer_payload<service::LoggedIn>({{"lir", ""}}), std::span<const int>(&theirs, 1));
        pair->first.reset();
        if (agent_dies) return;
        if (answer_after != Millis(0)) {
            const auto asked = priv::Channel(std::move(pair->second)).receive(0);
            agent_was_asked = asked && asked->has_value();
            return;
        }
        MailAgent({scratch.maildir(), Millis(0), 1000}).serve(priv::Channel(std::move(pair->second)));
    }

    // The client logs in and does after_login if there is one, sends this, closes its sending side if it shall, and
    // reads to the end.
    std::string talk(const std::string& input, bool half_close = true, std::size_t slow_from = ~std::size_t{0}) {
        int sockets[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
        auto channel = make_seqpacket_pair();
        std::thread root(
            [this, fd = std::make_shared<UniqueFd>(std::move(channel->second))] { monitor(std::move(*fd)); });
        std::string output;
        std::thread client([&] {
            const UniqueFd fd(sockets[0]);
            char chunk[65536];
            if (after_login) {
                (void)write_all(fd.get(), login);
                for (ssize_t n = 1; n > 0 && output.find("visible") == std::string::npos;) {
                    n = ::read(fd.get(), chunk, sizeof chunk);
                    if (n > 0) output.append(chunk, static_cast<std::size_t>(n));
                }
                after_login();
            }
            (void)write_all(fd.get(), input);
            if (half_close) ::shutdown(fd.get(), SHUT_WR);
            for (ssize_t n = 1; n > 0;) {
                if (output.size() > slow_from) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                n = ::read(fd.get(), chunk, sizeof chunk);
                if (n > 0) output.append(chunk, static_cast<std::size_t>(n));
                if (leave_after != 0 && output.size() >= leave_after) return;
            }
            std::this_thread::sleep_for(stays);
        });
        serve(UniqueFd(sockets[1]), std::move(channel->first));
        client.join();
        root.join();
        return output;
    }

    void serve(UniqueFd socket, UniqueFd channel) {
        auto loop = io::Loop::create();
        ASSERT_TRUE(loop.ok());
        service::NetContext context{**loop, [](io::TlsProfile) { return std::shared_ptr<io::TlsContext>(); }, [] {},
                                    [](std::string_view) {}, [](std::uint64_t) {}};
        service::Accepted accepted;
        accepted.socket = std::move(socket);
        accepted.channel = std::move(channel);
        accepted.id = 5;
        accepted.peer = *io::Address::parse("127.0.0.1", 4711);
        Conn conn(context, settings, std::move(accepted), [&] { (*loop)->stop(); });
        conn.start();
        (*loop)->run();
    }

    store::testing::Scratch scratch;
    NetSettings settings;
    bool agent_dies = false;
    bool agent_was_asked = false;
    Millis answer_after{0}; // of the monitor
    Millis stays{0};        // the client, when the server has ended
    std::size_t leave_after = 0;
    std::function<void()> after_login;
};

} // namespace

TEST_F(ConnTest, AClientThatHasSentEverythingGetsEveryAnswer) {
    scratch.put("new/1.a", "a: b\n\none\n");
    const std::string out = talk(std::string(login) + "STAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n");
    EXPECT_NE(out.find("+OK lir has 1 visible message (0 hidden) in 13 octets.\r\n"), std::string::npos) << out;
    EXPECT_NE(out.find("+OK 13 octets\r\na: b\r\n\r\none\r\n.\r\n"), std::string::npos) << out;
    EXPECT_TRUE(out.ends_with("signing off.\r\n")) << out;
    EXPECT_FALSE(scratch.has("new/1.a"));
}

TEST_F(ConnTest, ALostConnectionDeletesNothing) {
    scratch.put("new/1.a", "\n");
    const std::string out = talk(std::string(login) + "DELE 1\r\n");
    EXPECT_TRUE(out.ends_with("+OK message 1 deleted\r\n")) << out;
    EXPECT_TRUE(scratch.has("new/1.a"));
}

TEST_F(ConnTest, IdleTimeDeletesNothingAndSaysNothing) {
    settings.policy.idle_timeout = Millis(500);
    scratch.put("new/1.a", "\n");
    const std::string out = talk(std::string(login) + "DELE 1\r\n", false);
    EXPECT_TRUE(out.ends_with("+OK message 1 deleted\r\n")) << out;
    EXPECT_TRUE(scratch.has("new/1.a"));
}

TEST_F(ConnTest, TheTimeForLoginIsLimited) {
    settings.policy.login_timeout = Millis(100);
    const std::string out = talk("", false);
    EXPECT_EQ(out, "+OK posada POP3 server at mail.micasa.test starting.\r\n");
}

TEST_F(ConnTest, ALoginThatComesTooLateOpensNoMailbox) {
    settings.policy.login_timeout = Millis(500);
    answer_after = Millis(900);
    stays = Millis(1'200);
    EXPECT_EQ(talk(login, false), "+OK posada POP3 server at mail.micasa.test starting.\r\n"
                                  "+OK send the password with PASS\r\n");
    EXPECT_FALSE(agent_was_asked);
}

TEST_F(ConnTest, AnAgentThatDoesNotComeUpIsTemporary) {
    agent_dies = true;
    const std::string out = talk(login);
    EXPECT_NE(out.find("-ERR [SYS/TEMP] the mailbox cannot be opened now"), std::string::npos) << out;
}

TEST_F(ConnTest, ASecondSessionHearsInUse) {
    const auto maildir = store::Maildir::open(scratch.maildir());
    const auto lock = store::SessionLock::acquire(*maildir, Millis(0));
    ASSERT_TRUE(lock.ok());
    EXPECT_NE(talk(login).find("-ERR [IN-USE] "), std::string::npos);
}

TEST_F(ConnTest, ALargeMessageGoesOutWholeToASlowClient) {
    std::string body = "Subject: large\n\n";
    for (int i = 0; i < 200'000; ++i) body += ".line " + std::to_string(i) + "\n";
    scratch.put("new/1.a", body);
    const std::string out = talk(std::string(login) + "RETR 1\r\nNOOP\r\nQUIT\r\n", true, 1 << 20);
    EXPECT_NE(out.find("\r\n..line 199999\r\n.\r\n+OK\r\n+OK posada"), std::string::npos);
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 200'000 + 2 + 7);
}

TEST_F(ConnTest, ManyMessagesInARowComeInOrderAndWhole) {
    std::string input = login, expected;
    for (int i = 1; i <= 200; ++i) {
        const std::string text = "a: b\n\nmessage " + std::to_string(i) + "\n";
        scratch.put("new/" + std::to_string(1000 + i) + ".m", text);
        input += (i % 7 == 0 ? "TOP " + std::to_string(i) + " 5\r\n" : "RETR " + std::to_string(i) + "\r\n");
        expected += "message " + std::to_string(i) + "\r\n.\r\n";
    }
    const std::string out = talk(input + "QUIT\r\n");
    std::string seen;
    for (std::size_t at = out.find("\nmessage "); at != std::string::npos; at = out.find("\nmessage ", at + 1))
        seen += out.substr(at + 1, out.find(".\r\n", at) + 3 - (at + 1));
    EXPECT_EQ(seen, expected);
}

TEST_F(ConnTest, OneMessageOfManyThatIsGoneIsRefusedAlone) {
    std::string input;
    for (int i = 1; i <= 60; ++i) {
        scratch.put("new/" + std::to_string(1000 + i) + ".m,S=10,W=12", "a: b\n\none\n");
        input += "RETR " + std::to_string(i) + "\r\n";
    }
    after_login = [this] { ::unlink((scratch.maildir() + "/new/1031.m,S=10,W=12").c_str()); };
    const std::string out = talk(input + "QUIT\r\n");
    std::size_t good = 0;
    for (std::size_t at = out.find("octets\r\na: b\r\n\r\none\r\n.\r\n"); at != std::string::npos;
         at = out.find("octets\r\na: b", at + 1))
        ++good;
    EXPECT_EQ(good, 59U) << out;
    EXPECT_EQ(out.find("-ERR "), out.rfind("-ERR another program removed this message\r\n")) << out;
}

TEST_F(ConnTest, AClientThatLeavesInTheMiddleOfAMessageEndsTheSession) {
    scratch.put("new/1.a", "Subject: large\n\n" + std::string(8 << 20, 'x') + "\n");
    leave_after = 100'000;
    talk(std::string(login) + "DELE 1\r\nRSET\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n", false);
    EXPECT_TRUE(scratch.has("new/1.a"));
}

TEST_F(ConnTest, AnEndlessPipelineWaitsForTheReader) {
    for (int i = 0; i < 500; ++i) scratch.put("new/" + std::to_string(1000 + i) + ".m", "\n");
    std::string input = login;
    for (int i = 0; i < 300; ++i) input += "UIDL\r\n";
    const std::string out = talk(input + "QUIT\r\n", true, 0);
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 300 * 502 + 4);
    EXPECT_TRUE(out.ends_with("signing off.\r\n"));
}
