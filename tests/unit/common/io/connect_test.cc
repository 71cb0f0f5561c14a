// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/connect.h"

#include <optional>

#include "tests/unit/common/io/stream_fixture.h"

namespace posada::io {
namespace {

class Connect : public test::StreamTest {
  protected:
    Result<Connecting::Connected> run(std::vector<Address> to, Millis each = Millis(1000), const Address& source = {}) {
        std::optional<Result<Connecting::Connected>> result;
        Connecting connecting(
            *loop, std::move(to), each, [&](Result<Connecting::Connected> r) { result = std::move(r); }, source);
        EXPECT_FALSE(result.has_value()) << "not from inside the constructor";
        EXPECT_TRUE(until([&] { return result.has_value(); }));
        if (!result) return Error{Errc::timeout, 0, "no answer"};
        return std::move(*result);
    }
    UniqueFd listener = std::move(*listen_tcp(*Address::parse("127.0.0.1", 0), 1));
    Address open = *Address::of_local(listener.get());
    // A port that was free a moment ago.
    Address closed = *Address::of_local(listen_tcp(*Address::parse("127.0.0.1", 0))->get());
};

TEST_F(Connect, gives_the_socket_and_the_address_that_answered) {
    const auto r = run({open});
    ASSERT_TRUE(r.ok());
    EXPECT_EQ(r->address.text(), open.text());
    EXPECT_EQ(Address::of_peer(r->socket.get())->text(), open.text());
}

TEST_F(Connect, tries_the_next_address_after_a_refusal) {
    const auto r = run({closed, open});
    ASSERT_TRUE(r.ok());
    EXPECT_EQ(r->address.text(), open.text());
}

TEST_F(Connect, reports_every_address_when_all_fail) {
    const auto r = run({closed, *Address::parse("127.0.0.2", closed.port())});
    ASSERT_FALSE(r.ok());
    EXPECT_EQ(r.error().code, Errc::unavailable);
    EXPECT_NE(r.error().text.find(closed.text()), std::string::npos);
    EXPECT_NE(r.error().text.find("127.0.0.2"), std::string::npos);
}

TEST_F(Connect, no_address_is_an_error) { EXPECT_EQ(run({}).error().code, Errc::invalid); }

TEST_F(Connect, a_silent_address_times_out) {
    // A full backlog answers nothing, so the client's kernel goes on trying.
    std::vector<UniqueFd> fill;
    for (int i = 0; i < 8; ++i) {
        fill.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        (void)connect(fill.back().get(), open.sa(), open.size());
    }
    const auto r = run({open}, Millis(50));
    ASSERT_FALSE(r.ok());
    EXPECT_EQ(r.error().code, Errc::timeout);
}

TEST_F(Connect, binds_to_the_given_source) {
    const auto r = run({open}, Millis(1000), *Address::parse("127.0.0.9", 0));
    ASSERT_TRUE(r.ok());
    EXPECT_EQ(Address::of_local(r->socket.get())->ip(), "127.0.0.9");
}

TEST_F(Connect, the_handler_may_destroy_it) {
    std::unique_ptr<Connecting> connecting;
    bool called = false;
    connecting =
        std::make_unique<Connecting>(*loop, std::vector{open}, Millis(1000), [&](Result<Connecting::Connected> r) {
            EXPECT_TRUE(r.ok());
            connecting.reset();
            called = true;
        });
    EXPECT_TRUE(until([&] { return called; }));
}

TEST_F(Connect, destruction_gives_up_silently) {
    auto connecting = std::make_unique<Connecting>(*loop, std::vector{open}, Millis(1000),
                                                   [](const Result<Connecting::Connected>&) { FAIL(); });
    connecting.reset();
    settle();
}

} // namespace
} // namespace posada::io
