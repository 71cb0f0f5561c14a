// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "tests/unit/common/io/stream_fixture.h"

namespace posada::io {
namespace {

using namespace test;

class PlainStream : public StreamTest {
  protected:
    void SetUp() override {
        StreamTest::SetUp();
        auto [a, b] = tcp_pair();
        server.open(*loop, std::move(a));
        peer = std::move(b);
    }
    std::string read_peer(std::size_t size) {
        std::string out;
        while (out.size() < size) {
            char buffer[65536];
            const ssize_t n = recv(peer.get(), buffer, std::min(sizeof buffer, size - out.size()), MSG_DONTWAIT);
            if (n > 0)
                out.append(buffer, static_cast<std::size_t>(n));
            else if (n == 0)
                break;
            else
                settle(Millis(1));
        }
        return out;
    }
    End server;
    UniqueFd peer;
};

TEST_F(PlainStream, echoes) {
    server.on_input = [&] { server.stream->write("250 " + server.received); };
    ASSERT_TRUE(write_all(peer.get(), "NOOP\r\n").ok());
    ASSERT_TRUE(until([&] { return server.stream->bytes_out() > 0; }));
    EXPECT_EQ(read_peer(10), "250 NOOP\r\n");
    EXPECT_EQ(server.stream->bytes_in(), 6U);
    EXPECT_EQ(server.stream->bytes_out(), 10U);
}

TEST_F(PlainStream, one_byte_at_a_time_arrives_complete_and_in_order) {
    const std::string sent = pattern(300);
    for (const char c : sent) {
        ASSERT_TRUE(write_all(peer.get(), {&c, 1}).ok());
        const std::size_t before = server.received.size();
        ASSERT_TRUE(until([&] { return server.received.size() > before; }));
    }
    EXPECT_EQ(server.received, sent);
}

TEST_F(PlainStream, never_calls_back_from_inside_a_method) {
    ASSERT_TRUE(write_all(peer.get(), "x").ok());
    server.stream->write("y");
    server.stream->set_deadline(Millis(0));
    peer.reset();
    server.stream->write(pattern(100));
    server.stream->close_after_flush(Millis(1));
    EXPECT_TRUE(server.ends.empty());
    EXPECT_EQ(server.received, "");
    EXPECT_TRUE(until([&] { return !server.ends.empty(); }));
}

TEST_F(PlainStream, replies_of_one_turn_leave_in_one_segment) {
    server.on_input = [&] {
        for (int i = 0; i < 10; ++i) server.stream->write("+OK " + std::to_string(i) + "\r\n");
    };
    ASSERT_TRUE(write_all(peer.get(), "pipelined").ok());
    ASSERT_TRUE(until([&] { return server.stream->bytes_out() == 70; }));
    char buffer[4096];
    EXPECT_EQ(recv(peer.get(), buffer, sizeof buffer, 0), 70);
}

TEST_F(PlainStream, consumed_views_stay_valid_until_the_callback_returns) {
    server.keep_input = true;
    std::string first;
    server.on_input = [&] {
        const std::string_view view = server.stream->input().substr(0, 5);
        server.stream->consume(server.stream->input().size());
        server.stream->write("reply");
        first = view;
    };
    ASSERT_TRUE(write_all(peer.get(), "HELLO world").ok());
    ASSERT_TRUE(until([&] { return !first.empty(); }));
    EXPECT_EQ(first, "HELLO");
    EXPECT_EQ(server.stream->input(), "");
}

TEST_F(PlainStream, input_stops_at_its_cap_until_it_is_consumed) {
    server.keep_input = true;
    server.stream->set_max_input(1000);
    ASSERT_TRUE(write_all(peer.get(), pattern(5000)).ok());
    ASSERT_TRUE(until([&] { return server.stream->input().size() == 1000; }));
    settle();
    EXPECT_EQ(server.stream->input().size(), 1000U);
    std::string all(server.stream->input().substr(0, 600));
    server.stream->consume(600);
    ASSERT_TRUE(until([&] { return server.stream->input().size() == 1000; }));
    server.keep_input = false;
    all += server.stream->input();
    server.stream->discard_input();
    ASSERT_TRUE(until([&] { return server.received.size() == 3400; }));
    EXPECT_EQ(all + server.received, pattern(5000));
}

TEST_F(PlainStream, stop_reading_holds_input_in_the_kernel) {
    server.stream->stop_reading();
    ASSERT_TRUE(write_all(peer.get(), "later").ok());
    settle();
    EXPECT_EQ(server.received, "");
    server.stream->start_reading();
    ASSERT_TRUE(until([&] { return server.received == "later"; }));
}

TEST_F(PlainStream, back_pressure_keeps_output_queued_and_reports_the_drain) {
    const std::string big = pattern(20 * 1024 * 1024);
    server.stream->write(big);
    settle();
    EXPECT_GT(server.stream->pending_output(), 64U * 1024);
    EXPECT_EQ(server.drained, 0);
    EXPECT_EQ(read_peer(big.size()), big);
    EXPECT_TRUE(until([&] { return server.drained == 1; }));
    EXPECT_EQ(server.stream->pending_output(), 0U);
    server.stream->write("small");
    settle();
    EXPECT_EQ(server.drained, 1) << "never rose above low water";
}

TEST_F(PlainStream, a_peer_that_asks_but_does_not_listen_is_not_read_any_more) {
    const std::string answer = pattern(30'000);
    server.on_input = [&] {
        server.received.clear();
        server.stream->write(answer);
    };
    ASSERT_TRUE(set_nonblocking(peer.get(), true).ok());
    const int at_once = 1; // Nagle's wait would make this a test of the kernel's timers
    ASSERT_EQ(setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once), 0);
    std::size_t asked = 0;
    settle();
    EXPECT_FALSE(until(
        [&] {
            const ssize_t n = send(peer.get(), "NOOP\r\n", 6, MSG_NOSIGNAL);
            if (n > 0) asked += static_cast<std::size_t>(n);
            return server.stream->pending_output() > 1024 * 1024 + answer.size();
        },
        Millis(700), Millis(0)));
    EXPECT_GT(server.stream->pending_output(), 1024U * 1024);
    const std::uint64_t read_so_far = server.stream->bytes_in();
    settle();
    EXPECT_EQ(server.stream->bytes_in(), read_so_far);
    EXPECT_LT(read_so_far, asked);
    server.on_input = nullptr;
    while (server.stream->bytes_in() < asked) {
        ASSERT_FALSE(read_peer(100'000).empty());
        settle(Millis(0));
    }
}

TEST_F(PlainStream, files_are_sent_in_order_with_the_bytes_around_them) {
    const std::string body = pattern(3'000'000);
    const std::string tiny = pattern(500);
    server.stream->write("+OK\r\n");
    server.stream->write_file(memory_file(body), 10, body.size() - 10);
    server.stream->write(".\r\n");
    server.stream->write_file(memory_file(tiny), 100, 50);
    server.stream->write("end");
    const std::string expected = "+OK\r\n" + body.substr(10) + ".\r\n" + tiny.substr(100, 50) + "end";
    EXPECT_EQ(server.stream->pending_output(), expected.size());
    EXPECT_EQ(read_peer(expected.size()), expected);
    EXPECT_EQ(server.stream->bytes_out(), expected.size());
}

TEST_F(PlainStream, a_file_shorter_than_announced_ends_the_stream) {
    for (const std::size_t size : {std::size_t(100), std::size_t(100'000)}) {
        End end;
        auto [a, b] = tcp_pair();
        end.open(*loop, std::move(a));
        end.stream->write_file(memory_file(pattern(size)), 0, size + 1);
        ASSERT_TRUE(until([&] { return !end.ends.empty(); }));
        EXPECT_EQ(end.ends.front(), StreamEnd::error);
        EXPECT_EQ(end.end_error.code, Errc::corrupt);
    }
}

TEST_F(PlainStream, a_half_closed_client_still_gets_its_answers) {
    server.on_input = [&] { server.stream->write(pattern(30'000'000)); };
    ASSERT_TRUE(write_all(peer.get(), "RETR 1\r\nQUIT\r\n").ok());
    ASSERT_EQ(shutdown(peer.get(), SHUT_WR), 0);
    settle();
    EXPECT_TRUE(server.ends.empty()) << "the end is reported after the output";
    EXPECT_EQ(read_peer(30'000'000), pattern(30'000'000));
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    EXPECT_EQ(server.ends, std::vector{StreamEnd::peer_closed});
    server.stream->write("bye");
    server.stream->close_after_flush();
    EXPECT_EQ(read_peer(100), "bye");
    EXPECT_TRUE(until([&] { return server.ends.size() == 2; }));
    EXPECT_EQ(server.ends.back(), StreamEnd::peer_closed);
}

TEST_F(PlainStream, close_after_flush_sends_all_then_waits_for_the_peer) {
    const std::string big = pattern(5'000'000);
    server.stream->write(big);
    server.stream->close_after_flush();
    EXPECT_TRUE(server.stream->closing());
    server.stream->write("ignored");
    EXPECT_EQ(read_peer(big.size() + 100), big);
    settle();
    EXPECT_TRUE(server.ends.empty());
    ASSERT_TRUE(write_all(peer.get(), "unread input must not reset the connection").ok());
    peer.reset();
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    EXPECT_EQ(server.ends, std::vector{StreamEnd::peer_closed});
    EXPECT_EQ(server.received, "");
}

TEST_F(PlainStream, linger_ends_the_wait_for_a_peer_that_stays) {
    server.stream->write("bye");
    server.stream->close_after_flush(Millis(30));
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    EXPECT_EQ(server.ends, std::vector{StreamEnd::peer_closed}) << "everything was sent";
}

TEST_F(PlainStream, linger_that_ends_with_output_left_is_a_timeout) {
    server.stream->write(pattern(20 * 1024 * 1024));
    settle();
    server.stream->close_after_flush(Millis(30));
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    EXPECT_EQ(server.ends, std::vector{StreamEnd::timeout});
}

TEST_F(PlainStream, a_peer_that_floods_after_our_end_is_cut_off) {
    server.stream->close_after_flush(Millis(60'000));
    ASSERT_TRUE(set_nonblocking(peer.get(), true).ok());
    const std::string flood = pattern(65536);
    ASSERT_TRUE(until([&] {
        (void)send(peer.get(), flood.data(), flood.size(), MSG_NOSIGNAL);
        return !server.ends.empty();
    }));
}

TEST_F(PlainStream, deadline_passes_and_can_be_reset_and_removed) {
    server.stream->set_deadline(Millis(20));
    server.stream->set_deadline(Millis(60'000));
    settle(Millis(40));
    EXPECT_TRUE(server.ends.empty());
    server.stream->set_deadline(Millis(20));
    server.stream->set_deadline(Millis(0));
    settle(Millis(40));
    EXPECT_TRUE(server.ends.empty());
    server.stream->set_deadline(Millis(10));
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    EXPECT_EQ(server.ends, std::vector{StreamEnd::timeout});
    EXPECT_EQ(server.end_error.code, Errc::timeout);
}

TEST_F(PlainStream, after_a_timeout_there_is_room_for_a_farewell_but_not_for_input) {
    server.stream->set_deadline(Millis(10));
    server.on_end = [&] {
        if (server.ends.size() > 1) return;
        server.stream->write("421 timeout\r\n");
        server.stream->close_after_flush(Millis(20));
    };
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    ASSERT_TRUE(write_all(peer.get(), "too late").ok());
    EXPECT_EQ(read_peer(100), "421 timeout\r\n");
    ASSERT_TRUE(until([&] { return server.ends.size() == 2; }));
    EXPECT_EQ(server.ends, (std::vector{StreamEnd::timeout, StreamEnd::peer_closed}));
    EXPECT_EQ(server.received, "");
}

TEST_F(PlainStream, deadline_waits_for_a_slow_reader_but_not_for_a_dead_one) {
    server.stream->write(pattern(30 * 1024 * 1024));
    settle();
    // Long against what a busy machine may keep a test waiting; three of it pass while the reader is slow.
    server.stream->set_deadline(Millis(500));
    for (int i = 0; i < 20; ++i) {
        read_peer(1024 * 1024);
        settle(Millis(75));
        ASSERT_TRUE(server.ends.empty()) << i;
    }
    EXPECT_TRUE(until([&] { return !server.ends.empty(); })) << "reads nothing any more";
    EXPECT_EQ(server.ends, std::vector{StreamEnd::timeout});
}

TEST_F(PlainStream, a_reset_is_an_error) {
    const linger hard{1, 0};
    ASSERT_EQ(setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    peer.reset();
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    EXPECT_EQ(server.ends, std::vector{StreamEnd::error});
    EXPECT_EQ(server.end_error.sys, ECONNRESET);
}

TEST_F(PlainStream, writing_to_a_vanished_peer_is_an_error_not_a_signal) {
    ASSERT_EQ(shutdown(peer.get(), SHUT_WR), 0);
    ASSERT_TRUE(until([&] { return server.ends.size() == 1; }));
    const linger hard{1, 0};
    ASSERT_EQ(setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    peer.reset();
    server.stream->write(pattern(1000));
    settle();
    server.stream->write(pattern(1000));
    ASSERT_TRUE(until([&] { return server.ends.size() == 2; }));
    EXPECT_EQ(server.ends.back(), StreamEnd::error);
}

TEST_F(PlainStream, may_be_destroyed_inside_on_input) {
    server.on_input = [&] { server.stream.reset(); };
    ASSERT_TRUE(write_all(peer.get(), "x").ok());
    ASSERT_TRUE(until([&] { return server.stream == nullptr; }));
    EXPECT_EQ(read_peer(1), "");
    EXPECT_TRUE(server.ends.empty());
}

TEST_F(PlainStream, may_be_destroyed_inside_on_end) {
    server.on_end = [&] { server.stream.reset(); };
    peer.reset();
    EXPECT_TRUE(until([&] { return server.stream == nullptr; }));
    End other;
    auto [a, b] = tcp_pair();
    other.open(*loop, std::move(a));
    other.on_end = [&] { other.stream.reset(); };
    other.stream->set_deadline(Millis(5));
    EXPECT_TRUE(until([&] { return other.stream == nullptr; }));
}

TEST_F(PlainStream, end_of_file_behind_unread_input_does_not_spin) {
    server.keep_input = true;
    server.stream->set_max_input(10);
    ASSERT_TRUE(write_all(peer.get(), pattern(15)).ok());
    peer.reset();
    settle();
    EXPECT_TRUE(server.ends.empty()) << "input was not read to its end yet";
    server.stream->consume(10);
    ASSERT_TRUE(until([&] { return !server.ends.empty(); }));
    EXPECT_EQ(server.stream->input(), pattern(15).substr(10));
}

TEST_F(PlainStream, works_on_unix_sockets) {
    auto [a, b] = unix_pair();
    End end;
    end.open(*loop, std::move(a));
    end.stream->write("hello");
    ASSERT_TRUE(write_all(b.get(), "x").ok());
    ASSERT_TRUE(until([&] { return end.received == "x"; }));
    char buffer[16];
    EXPECT_EQ(recv(b.get(), buffer, sizeof buffer, 0), 5);
}

} // namespace
} // namespace posada::io
