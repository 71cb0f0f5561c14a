// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/lookup.h"

#include <gtest/gtest.h>

#include "smtpd/lookup_worker.h"

namespace posada::smtpd {
namespace {

struct Asker {
    explicit Asker(Millis answer_within = Seconds(20))
        : client(
              *loop, [this] { ++wanted; }, answer_within) {}
    std::unique_ptr<io::Loop> loop = std::move(*io::Loop::create());
    int wanted = 0;
    LookupClient client;
    std::vector<std::string> answers; // "name yes", "name no", "name unavailable"
    std::size_t expected = 0;

    // The worker's end of a new channel.
    priv::Channel connect() {
        auto pair = make_seqpacket_pair();
        client.adopt(std::move(pair->first));
        return priv::Channel(std::move(pair->second));
    }
    void ask(std::uint64_t session, const std::string& name) {
        ++expected;
        client.ask(session, name, [this, name](const Result<bool>& exists) {
            answers.push_back(name + " " + (exists ? (*exists ? "yes" : "no") : errc_name(exists.error().code)));
            if (answers.size() == expected) loop->stop();
        });
    }
    void turn() { // one turn of the loop
        io::Timer timer(*loop, [this] { loop->stop(); });
        timer.start(Millis(20));
        loop->run();
    }
};

void answer(priv::Channel& worker, std::string_view verdicts) {
    auto message = worker.receive(0);
    ASSERT_TRUE(message.ok() && message->has_value());
    ASSERT_TRUE(worker.send(lookup_request + 1, (*message)->session, priv::encode_ok(verdicts)));
}

TEST(LookupClient, QuestionsOfOneTurnGoTogether) {
    Asker asker;
    priv::Channel worker = asker.connect();
    asker.ask(1, "lir");
    asker.ask(2, "nobody");
    asker.ask(3, "later");
    asker.turn();
    auto message = worker.receive(0);
    ASSERT_TRUE(message.ok() && message->has_value());
    EXPECT_EQ(*decode_lookup((*message)->payload), (std::vector<std::string>{"lir", "nobody", "later"}));
    ASSERT_TRUE(worker.send(lookup_request + 1, (*message)->session, priv::encode_ok(std::string("\1\0\2", 3))));
    asker.loop->run();
    EXPECT_EQ(asker.answers, (std::vector<std::string>{"lir yes", "nobody no", "later unavailable"}));
}

TEST(LookupClient, QuestionsWaitForAWorker) {
    Asker asker;
    asker.ask(1, "lir");
    asker.turn();
    EXPECT_TRUE(asker.answers.empty());
    priv::Channel worker = asker.connect();
    answer(worker, "\1");
    asker.loop->run();
    EXPECT_EQ(asker.answers, (std::vector<std::string>{"lir yes"}));
}

TEST(LookupClient, ANewWorkerGetsWhatTheOldOneLeft) {
    Asker asker;
    priv::Channel first = asker.connect();
    asker.ask(1, "lir");
    asker.turn();
    first.close();
    asker.turn();
    EXPECT_EQ(asker.wanted, 1);
    EXPECT_TRUE(asker.answers.empty());
    priv::Channel second = asker.connect();
    answer(second, "\1");
    asker.loop->run();
    EXPECT_EQ(asker.answers, (std::vector<std::string>{"lir yes"}));
}

TEST(LookupClient, AQuestionThatKillsTwoWorkersIsGivenUp) {
    Asker asker;
    for (int i = 0; i < 2; ++i) {
        priv::Channel worker = asker.connect();
        if (i == 0) asker.ask(1, "evil");
        asker.turn();
        worker.close();
        asker.turn();
    }
    EXPECT_EQ(asker.answers, (std::vector<std::string>{"evil unavailable"}));
}

TEST(LookupClient, AWorkerThatHangsIsReplaced) {
    Asker asker{Millis(300)};
    priv::Channel worker = asker.connect();
    asker.ask(1, "slow");
    asker.loop->run(); // until the deadline
    EXPECT_EQ(asker.answers, (std::vector<std::string>{"slow timeout"}));
    asker.turn();
    EXPECT_EQ(asker.wanted, 1);
}

TEST(LookupClient, ForgottenQuestionsAreNotAnswered) {
    Asker asker;
    priv::Channel worker = asker.connect();
    asker.ask(1, "lir");
    asker.ask(2, "daniel");
    asker.turn();
    asker.client.forget(1);
    answer(worker, "\1\1");
    asker.turn();
    EXPECT_EQ(asker.answers, (std::vector<std::string>{"daniel yes"}));
}

TEST(LookupProtocol, MalformedIsRefused) {
    EXPECT_FALSE(decode_lookup("").ok());
    EXPECT_FALSE(decode_lookup("\1").ok());
    EXPECT_FALSE(decode_lookup(encode_lookup({"a"}) + "x").ok());
    EXPECT_FALSE(decode_lookup(std::string("\xff\xff", 2)).ok());
    EXPECT_EQ(decode_lookup(encode_lookup({"a", std::string("\0", 1)}))->size(), 2U);
}

TEST(LookupWorker, AnswersFromTheNamesItWasGiven) {
    const auth::AccountNames names(std::vector<std::string>{"daniel", "lir"});
    auth::AccountSources sources;
    sources.unix_accounts = false;
    const std::string reply = answer_lookup(encode_lookup({"lir", "root", "Daniel", "../lir", ""}), names, sources);
    EXPECT_EQ(*priv::decode_answer(reply), std::string_view("\1\0\1\0\0", 5));
    EXPECT_FALSE(priv::decode_answer(answer_lookup("junk", names, sources)).ok());
}

TEST(LookupWorker, UnixAccountsBelowTheFirstValidUidGetNoMail) {
    auth::AccountSources sources;
    sources.first_valid_uid = 1000;
    const std::string reply = answer_lookup(encode_lookup({"root", "daemon"}), {}, sources);
    EXPECT_EQ(*priv::decode_answer(reply), std::string_view("\0\0", 2));
}

} // namespace
} // namespace posada::smtpd
