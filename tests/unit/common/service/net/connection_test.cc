// SPDX-License-Identifier: BSD-2-Clause
// What Connection and SessionDriver do for every daemon, on a session of a few lines: it says each line back, and waits
// for an answer at "ask".
#include "common/service/net/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "common/service/net/session_driver.h"
#include "tests/unit/common/service/login/login_fixture.h"

namespace posada::service {
namespace {

struct Ask {};

class Session {
  public:
    using Effect = std::variant<proto::SendReply, Ask, proto::LogNote, proto::Close>;
    explicit Session(const Millis&) {}
    std::vector<Effect> take_effects() { return std::exchange(effects_, {}); }
    std::size_t consume(std::string_view input) {
        const std::size_t end = input.find('\n');
        if (end == input.npos) return 0;
        const std::string line(input.substr(0, end + 1));
        ++lines;
        if (line == "ask\n") {
            waiting_ = true;
            effects_.emplace_back(Ask{});
        } else if (line == "quit\n") {
            end_with("bye\n", "quit");
        } else {
            effects_.emplace_back(proto::SendReply{line});
        }
        return end + 1;
    }
    void answered() {
        waiting_ = false;
        effects_.emplace_back(proto::SendReply{"answer\n"});
    }
    void timeout() { end_with("too late\n", "timeout"); }
    void shut_down() { end_with("stopping\n", "server stops"); }
    [[nodiscard]] bool waiting() const { return waiting_ || closed_; }
    [[nodiscard]] bool closed() const { return closed_; }
    std::atomic<int> lines = 0; // that were read

  private:
    void end_with(const char* farewell, const char* reason) {
        if (std::exchange(closed_, true)) return;
        effects_.emplace_back(proto::SendReply{farewell});
        effects_.emplace_back(proto::Close{reason});
    }
    std::vector<Effect> effects_;
    bool waiting_ = false;
    bool closed_ = false;
};

class Conn final : public SessionDriver<Session> {
  public:
    Conn(NetContext& context, Millis patience, Accepted accepted, std::function<void()> finished)
        : SessionDriver(context, patience, std::move(accepted), 0, std::move(finished)), patience_(patience),
          answer_(context.loop, [this] {
              session().answered();
              run();
          }) {}
    int lines() { return session().lines; }

  private:
    void greet() override { set_deadline(patience_); }
    void perform(const Effect& effect) override {
        std::visit([this](const auto& e) { act(e); }, effect);
    }
    [[nodiscard]] std::optional<Millis> patience() override { return patience_; }
    using SessionDriver::act;
    void act(const Ask&) { answer_.start(Millis(30)); }

    Millis patience_;
    io::Timer answer_;
};

class ConnectionTest : public ::testing::Test {
  protected:
    ConnectionTest() {
        int sockets[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
        client.reset(sockets[0]);
        ours.reset(sockets[1]);
        auto channel = make_seqpacket_pair();
        monitor = std::move(channel->second);
        theirs = std::move(channel->first);
    }

    // Serves until the connection has ended; what the client read meanwhile.
    std::string serve(const std::function<void()>& client_does = {}) {
        Accepted accepted;
        accepted.socket = std::move(ours);
        accepted.channel = std::move(theirs);
        accepted.id = 5;
        accepted.peer = *io::Address::parse("192.0.2.7", 4711);
        conn.emplace(context, patience, std::move(accepted), [&] {
            ended = true;
            loop->stop();
        });
        std::thread other([&] {
            if (client_does) client_does();
            read_all();
            client.reset();
        });
        conn->start();
        loop->run();
        other.join();
        return output;
    }
    void send(const std::string& text) { EXPECT_TRUE(write_all(client.get(), text).ok()); }
    void half_close() { ::shutdown(client.get(), SHUT_WR); }
    void read_all() {
        char chunk[4096];
        for (ssize_t n = 1; n > 0;) {
            n = ::read(client.get(), chunk, sizeof chunk);
            if (n > 0) output.append(chunk, static_cast<std::size_t>(n));
        }
    }
    [[nodiscard]] bool logged_line(const std::string& part) const {
        return std::any_of(logged.lines.begin(), logged.lines.end(),
                           [&](const std::string& line) { return line.find(part) != line.npos; });
    }

    CaptureSink logged;
    std::unique_ptr<io::Loop> loop = std::move(*io::Loop::create());
    NetContext context{*loop, [](io::TlsProfile) { return std::shared_ptr<io::TlsContext>(); }, [] {},
                       [](std::string_view) {}, [](std::uint64_t) {}};
    Millis patience{30'000};
    UniqueFd client;
    UniqueFd monitor;
    UniqueFd ours;
    UniqueFd theirs;
    std::string output;
    std::atomic<bool> ended = false;
    std::optional<Conn> conn;
};

TEST_F(ConnectionTest, LinesBehindAQuestionWaitForItsAnswer) {
    EXPECT_EQ(serve([&] { send("one\nask\ntwo\nask\nquit\nthree\n"); }), "one\nanswer\ntwo\nanswer\nbye\n");
    EXPECT_EQ(conn->lines(), 5) << "nothing is read behind the end";
}

TEST_F(ConnectionTest, AClientThatHasSentEverythingGetsEveryAnswer) {
    EXPECT_EQ(serve([&] {
                  send("ask\none\nask\n");
                  half_close();
              }),
              "answer\none\nanswer\n");
    EXPECT_TRUE(logged_line("session-end rip=192.0.2.7 session=5 reason=\"closed by client\" in=12 out=18"))
        << logged.lines.back();
}

TEST_F(ConnectionTest, SilenceEndsTheSessionWithItsFarewell) {
    patience = Millis(500);
    send("one\n");
    EXPECT_EQ(serve(), "one\ntoo late\n");
    EXPECT_TRUE(logged_line("reason=timeout"));
}

TEST_F(ConnectionTest, ALineThatNeverEndsIsSilence) {
    patience = Millis(200);
    std::atomic<bool> over = false;
    std::thread trickle([&, fd = client.get()] {
        for (int i = 0; i < 500 && !over; ++i) {
            (void)::send(fd, "x", 1, MSG_NOSIGNAL);
            std::this_thread::sleep_for(Millis(20));
        }
    });
    EXPECT_EQ(serve(), "too late\n");
    over = true;
    trickle.join();
}

// What the client does not read is neither kept without bound nor lost.
TEST_F(ConnectionTest, WhoDoesNotReadIsNotReadFrom) {
    const int lines = 20'000;
    const std::string line = std::string(99, 'x') + "\n";
    std::string input;
    for (int i = 0; i < lines; ++i) input += line;
    int read_before = 0;
    std::thread sender;
    const std::string out = serve([&] {
        sender = std::thread([&] {
            send(input + "quit\n");
            half_close();
        });
        for (int last = -1; last != read_before || last == 0;) { // until it stands still
            last = read_before;
            std::this_thread::sleep_for(Millis(100));
            read_before = conn->lines();
        }
    });
    sender.join();
    EXPECT_LT(read_before, lines / 2) << "all was read although nobody took the answers";
    EXPECT_EQ(out.size(), input.size() + 4);
}

TEST_F(ConnectionTest, TheMonitorsEndIsSaidInTheProtocolsWay) {
    EXPECT_EQ(serve([&] {
                  send("one\n");
                  while (output.find("one\n") == output.npos) {
                      char octet = 0;
                      if (::read(client.get(), &octet, 1) == 1) output += octet;
                  }
                  monitor.reset();
              }),
              "one\nstopping\n");
    EXPECT_TRUE(logged_line("reason=\"server stops\""));
}

TEST_F(ConnectionTest, WhoNeverClosesDoesNotHoldAFinishedConnection) {
    bool had_ended = false;
    serve([&] {
        send("quit\n");
        for (int i = 0; i < 400 && !ended; ++i) std::this_thread::sleep_for(Millis(50)); // neither reads nor closes
        had_ended = ended;
    });
    EXPECT_TRUE(had_ended);
    EXPECT_EQ(output, "bye\n");
    EXPECT_TRUE(logged_line("connect rip=192.0.2.7 rport=4711"));
    EXPECT_TRUE(logged_line("reason=quit"));
}

} // namespace
} // namespace posada::service
