// SPDX-License-Identifier: BSD-2-Clause
// Two ends of a connection on one loop, each a Stream that writes down what happens to it.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/io/addr.h"
#include "common/io/stream.h"

namespace posada::io::test {

inline std::pair<UniqueFd, UniqueFd> unix_pair() {
    int fds[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

inline std::pair<UniqueFd, UniqueFd> tcp_pair() {
    auto listener = listen_tcp(*Address::parse("127.0.0.1", 0));
    EXPECT_TRUE(listener.ok());
    const Address at = *Address::of_local(listener->get());
    UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(client.get(), at.sa(), at.size()), 0);
    return {UniqueFd(accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC)), std::move(client)};
}

inline UniqueFd memory_file(std::string_view bytes) {
    UniqueFd fd(memfd_create("test", MFD_CLOEXEC));
    EXPECT_TRUE(write_all(fd.get(), bytes).ok());
    return fd;
}

inline std::string pattern(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    return out;
}

// One end. Consumes its input unless keep_input.
struct End {
    std::unique_ptr<Stream> stream;
    std::string received;
    std::vector<StreamEnd> ends;
    Error end_error;
    std::vector<Status> handshakes;
    int drained = 0;
    bool keep_input = false;
    std::function<void()> on_input;
    std::function<void()> on_tls;
    std::function<void()> on_end;

    void open(Loop& loop, UniqueFd fd) {
        StreamHandler h;
        h.on_input = [this] {
            if (!keep_input) {
                received += stream->input();
                stream->consume(stream->input().size());
            }
            if (on_input) on_input();
        };
        h.on_tls = [this](Status s) {
            handshakes.push_back(std::move(s));
            if (on_tls) on_tls();
        };
        h.on_drained = [this] { ++drained; };
        h.on_end = [this](StreamEnd e, const Error& error) {
            ends.push_back(e);
            end_error = error;
            if (on_end) on_end();
        };
        stream = std::make_unique<Stream>(loop, std::move(fd), std::move(h));
        stream->start_reading();
    }
};

class StreamTest : public testing::Test {
  protected:
    void SetUp() override {
        ::signal(SIGPIPE, SIG_IGN); // as in every program with streams: who is cut off may still be writing
        loop = std::move(*Loop::create());
    }
    // Turns the loop until the condition holds; false after two seconds.
    bool until(const std::function<bool()>& condition, Millis limit = Millis(2000), Millis pace = Millis(1)) {
        bool met = false;
        const Instant end = loop->clock().now() + limit;
        std::unique_ptr<Timer> tick;
        tick = std::make_unique<Timer>(*loop, [&] {
            met = condition();
            if (met || loop->clock().now() > end) return loop->stop();
            tick->start(pace);
        });
        tick->start(Millis(0));
        loop->run();
        return met;
    }
    // Lets everything that is under way happen.
    void settle(Millis time = Millis(20)) {
        (void)until([] { return false; }, time);
    }
    std::unique_ptr<Loop> loop;
};

} // namespace posada::io::test
