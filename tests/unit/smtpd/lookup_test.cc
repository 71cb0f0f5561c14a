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
            answers.push_back(name + " " +
                              (exists                                 ? (*exists ? "yes" : "no")
                               : exists.error().code == Errc::timeout ? "timeout"
                                                                      : "unavailable"));
            if (answers.size() == expected) loop->stop();
        });
    }
    void turn() { // one turn of the loop
        io::Timer timer(*loop, [this] { loop->stop(); });
        timer.start(Millis(20));
        loop->run();
    }
};

// Returns the names that were asked for.
std::vector<std::string> answer(priv::Channel& worker, std::vector<HasMail> verdicts) {
    auto message = worker.receive(0);
    if (!message.ok() || !message->has_value()) return {};
    EXPECT_TRUE(worker.send(Lookup::row.type + 1, (*message)->session,
                            priv::answer_payload<Verdicts>({{std::move(verdicts)}})));
    return from_bytes<Lookup>((*message)->payload)->names;
}

TEST(LookupClient, QuestionsOfOneTurnGoTogether) {
    Asker asker;
    priv::Channel worker = asker.connect();
    asker.ask(1, "lir");
    asker.ask(2, "nobody");
    asker.ask(3, "later");
    asker.turn();
    EXPECT_EQ(answer(worker, {HasMail::yes, HasMail::no, HasMail::cannot_say}),
              (std::vector<std::string>{"lir", "nobody", "later"}));
    asker.loop->run();
    EXPECT_EQ(asker.answers, (std::vector<std::string>{"lir yes", "nobody no", "later unavailable"}));
}

TEST(LookupClient, QuestionsWaitForAWorker) {
    Asker asker;
    asker.ask(1, "lir");
    asker.turn();
    EXPECT_TRUE(asker.answers.empty());
    priv::Channel worker = asker.connect();
    answer(worker, {HasMail::yes});
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
    answer(second, {HasMail::yes});
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
    answer(worker, {HasMail::yes, HasMail::yes});
    asker.turn();
    EXPECT_EQ(asker.answers, (std::vector<std::string>{"daniel yes"}));
}

TEST(LookupAnswerer, AnswersFromTheNamesItWasGiven) {
    const auth::AccountNames names(std::vector<std::string>{"daniel", "lir"});
    auth::AccountSources sources;
    sources.unix_accounts = false;
    LookupAnswerer worker{names, sources};
    const auto verdicts = worker.on({{"lir", "root", "Daniel", "../lir", ""}});
    EXPECT_EQ(verdicts->verdicts,
              (std::vector<HasMail>{HasMail::yes, HasMail::no, HasMail::yes, HasMail::no, HasMail::no}));
    EXPECT_FALSE(worker.on({std::vector<std::string>(max_lookup_batch + 1, "lir")}).ok());
}

TEST(LookupAnswerer, UnixAccountsBelowTheFirstValidUidGetNoMail) {
    const auth::AccountNames names;
    auth::AccountSources sources;
    sources.first_valid_uid = 1000;
    EXPECT_EQ(LookupAnswerer({names, sources}).on({{"root", "daemon"}})->verdicts,
              (std::vector<HasMail>{HasMail::no, HasMail::no}));
}

} // namespace
} // namespace posada::smtpd
