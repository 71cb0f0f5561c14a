// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/request_list.h"

#include <gtest/gtest.h>

#include <thread>

#include "common/priv/serve.h"

namespace posada::priv {
namespace {

struct Sum {
    std::uint32_t sum = 0;
    FIELDS(sum)
};
struct Add {
    std::uint16_t a = 0;
    std::uint16_t b = 0;
    FIELDS(a, b)
    using Answer = Sum;
    static constexpr RequestInfo row{.type = 2, .name = "add", .then = second_phase};
};
struct Note {
    std::string text;
    FIELDS(text)
    using Answer = Nothing;
    static constexpr RequestInfo row{
        .type = 4, .name = "note", .phases = second_phase, .max_bytes = 10, .fds_in = 1, .fds_out = 1};
};
using List = Requests<Add, Note>;

struct Server {
    std::string noted;
    Result<Sum> on(const Add& request) {
        if (request.a == 0) return Error{Errc::invalid, 0, "nothing to add"};
        return Sum{std::uint32_t{request.a} + request.b};
    }
    Result<Answered<Nothing>> on(Note request, Message& message) {
        noted = std::move(request.text);
        return Answered<Nothing>{{}, std::move(message.fds)};
    }
};

TEST(RequestList, RowsAreCompletedFromTheFields) {
    EXPECT_EQ(List::rows[0].max_bytes, 4U);
    EXPECT_EQ(List::rows[1].max_bytes, 10U);
    EXPECT_NE(List::rows[0].form, List::rows[1].form);
    EXPECT_TRUE(List::has(4));
    EXPECT_FALSE(List::has(5));
    EXPECT_EQ(List::with<>::rows.size(), 2U);
}

struct Served {
    Channel channel;
    Server server;
    Status status;
    std::thread thread;
    Served() {
        auto pair = std::move(*make_seqpacket_pair());
        channel = Channel(std::move(pair.first));
        thread = std::thread([this, theirs = std::make_shared<UniqueFd>(std::move(pair.second))] {
            Channel answering(std::move(*theirs));
            status = serve_requests<List>(answering, server);
        });
    }
    ~Served() { end(); }
    void end() {
        channel.close();
        if (thread.joinable()) thread.join();
    }
};

TEST(RequestList, BothSidesAreTypedByTheRequest) {
    Served served;
    EXPECT_EQ(ask(served.channel, 1, Add{}).error().code, Errc::invalid);
    EXPECT_EQ(ask(served.channel, 1, Add{40'000, 40'000})->body.sum, 80'000U);
    const int input = 0;
    EXPECT_EQ(ask(served.channel, 1, Note{"words"}, {&input, 1})->fds.size(), 1U);
    EXPECT_EQ(ask(served.channel, 1, Note{"too many words"}, {&input, 1}).error().code, Errc::denied);
    served.end();
    EXPECT_TRUE(served.status.ok());
    EXPECT_EQ(served.server.noted, "words");
}

TEST(RequestList, OnlyASuccessOpensTheNextPhase) {
    Served served;
    EXPECT_FALSE(ask(served.channel, 1, Add{0, 1}).ok());
    const int input = 0;
    EXPECT_FALSE(ask(served.channel, 1, Note{"words"}, {&input, 1}).ok());
    served.end();
    EXPECT_EQ(served.status.error().text, "note: not allowed in this phase");
}

TEST(RequestList, AMalformedRequestIsABreachOfItsName) {
    Served served;
    EXPECT_FALSE(served.channel.call(2, 1, "abc").ok());
    served.end();
    EXPECT_EQ(served.status.error().text, "add: malformed field");
    EXPECT_EQ(served.status.error().code, Errc::protocol);
}

} // namespace
} // namespace posada::priv
