// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/request_client.h"

#include <gtest/gtest.h>

#include <optional>

namespace posada::service {
namespace {

struct Note {
    std::string text{};
    FIELDS(text)
    using Answer = Note;
    static constexpr priv::RequestInfo row{.type = 2, .name = "note", .max_bytes = 2000, .meaning = "Takes a note."};
};
using NoteAnswer = Result<priv::Answered<Note>>;

std::string answer(std::string text = {}) { return priv::encode_ok(to_bytes(Note{std::move(text)})); }

struct RequestClientTest : ::testing::Test {
    std::unique_ptr<io::Loop> loop;
    priv::Channel server;
    std::unique_ptr<RequestClient> client;
    int closed = 0;

    void SetUp() override {
        loop = std::move(*io::Loop::create());
        auto pair = make_seqpacket_pair();
        server = priv::Channel(std::move(pair->first));
        client = std::make_unique<RequestClient>(*loop, std::move(pair->second), 1, [this] {
            ++closed;
            loop->stop();
        });
    }
    std::string next() { return from_bytes<Note>((**server.receive(4)).payload)->text; }
};

TEST_F(RequestClientTest, AnswersReachTheirSession) {
    std::string first, second;
    client->ask(1, Note{"one"}, [&](NoteAnswer r) { first = r->body.text; });
    client->ask(2, Note{"two"}, [&](NoteAnswer r) {
        second = r->body.text;
        loop->stop();
    });
    EXPECT_EQ(next(), "one");
    EXPECT_EQ(next(), "two");
    ASSERT_TRUE(server.send(3, 1, answer("for one")));
    ASSERT_TRUE(server.send(3, 2, answer("for two")));
    loop->run();
    EXPECT_EQ(first, "for one");
    EXPECT_EQ(second, "for two");
}

TEST_F(RequestClientTest, AFailureArrivesAsAnError) {
    std::optional<Errc> code;
    client->ask(1, Note{}, [&](NoteAnswer r) {
        code = r.error().code;
        loop->stop();
    });
    ASSERT_TRUE(server.send(3, 1, priv::encode_failure(Error{Errc::denied, 0, "no"})));
    loop->run();
    EXPECT_EQ(code, Errc::denied);
}

TEST_F(RequestClientTest, AnAnswerThatDoesNotComeIsATimeoutAndTheEndOfTheChannel) {
    auto pair = std::move(*make_seqpacket_pair());
    priv::Channel silent(std::move(pair.first));
    RequestClient impatient(
        *loop, std::move(pair.second), 1,
        [this] {
            ++closed;
            loop->stop();
        },
        Millis(30));
    std::vector<Errc> codes;
    const auto note = [&](NoteAnswer r) { codes.push_back(r ? Errc::exists : r.error().code); };
    impatient.ask(1, Note{"answered"}, note);
    impatient.ask(2, Note{"not answered"}, note);
    ASSERT_TRUE(silent.send(3, 1, answer()));
    loop->run();
    EXPECT_EQ(codes, (std::vector{Errc::exists, Errc::timeout}));
    EXPECT_EQ(closed, 1);
    EXPECT_TRUE(impatient.closed());
}

TEST_F(RequestClientTest, WhatIsAnsweredInTimeIsNoTimeout) {
    auto pair = std::move(*make_seqpacket_pair());
    priv::Channel other(std::move(pair.first));
    RequestClient client_with_deadline(
        *loop, std::move(pair.second), 1, [this] { ++closed; }, Millis(30));
    client_with_deadline.ask(1, Note{}, [](const NoteAnswer&) {});
    ASSERT_TRUE(other.send(3, 1, answer()));
    io::Timer later(*loop, [this] { loop->stop(); });
    later.start(Millis(100));
    loop->run();
    EXPECT_EQ(closed, 0) << "nobody waits any more";
}

TEST_F(RequestClientTest, TheEndFailsWhatIsOutstandingThenSaysSo) {
    std::optional<Errc> code;
    client->ask(1, Note{}, [&](NoteAnswer r) {
        EXPECT_EQ(closed, 0);
        code = r.error().code;
    });
    server.close();
    loop->run();
    EXPECT_EQ(code, Errc::closed);
    EXPECT_EQ(closed, 1);
    client->ask(1, Note{}, [&](NoteAnswer r) { EXPECT_EQ(r.error().code, Errc::closed); });
}

TEST_F(RequestClientTest, AnAnswerNobodyAskedForClosesTheChannel) {
    ASSERT_TRUE(server.send(3, 9, answer("surprise")));
    loop->run();
    EXPECT_TRUE(client->closed());
}

TEST_F(RequestClientTest, ForgottenAnswersAreDropped) {
    bool called = false;
    client->ask(1, Note{}, [&](NoteAnswer) { called = true; });
    client->forget(1);
    ASSERT_TRUE(server.send(3, 1, answer("late")));
    client->ask(2, Note{}, [&](NoteAnswer) { loop->stop(); });
    ASSERT_TRUE(server.send(3, 2, answer()));
    loop->run();
    EXPECT_FALSE(called);
    EXPECT_FALSE(client->closed());
}

TEST_F(RequestClientTest, MayBeDestroyedByItsOwnAnswer) {
    client->ask(1, Note{}, [&](NoteAnswer) {
        client.reset();
        loop->stop();
    });
    ASSERT_TRUE(server.send(3, 1, answer()));
    loop->run();
    EXPECT_EQ(client, nullptr);
}

TEST_F(RequestClientTest, AFullSocketQueuesAndLosesNothing) {
    constexpr int count = 2000;
    int answered = 0;
    for (int i = 0; i < count; ++i)
        client->ask(static_cast<std::uint64_t>(i), Note{std::string(1000, 'x')}, [&](NoteAnswer r) {
            EXPECT_TRUE(r);
            if (++answered == count) loop->stop();
        });
    ASSERT_TRUE(set_nonblocking(server.fd(), true));
    io::Watch serve(*loop, server.fd(), io::Interest::read, [&](io::Interest) {
        auto received = server.receive(0);
        if (!received || !received->has_value()) return;
        EXPECT_TRUE(server.send(3, (*received)->session, answer()));
    });
    loop->run();
    EXPECT_EQ(answered, count);
}

} // namespace
} // namespace posada::service
