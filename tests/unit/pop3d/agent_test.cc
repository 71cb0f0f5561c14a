// SPDX-License-Identifier: BSD-2-Clause
// The agent over its channel, on a real Maildir; a thread stands for its process.
#include "pop3d/agent.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::pop3d;

namespace {

class AgentTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(store::Maildir::open_or_create(scratch.maildir()).ok());
        start();
    }
    void TearDown() override { stop(); }

    void start(std::uint32_t max_messages = 1000) {
        auto pair = make_seqpacket_pair();
        ASSERT_TRUE(pair.ok());
        channel = priv::Channel(std::move(pair->first));
        AgentTask task{scratch.maildir(), Millis(50), max_messages, expire};
        thread = std::thread([this, task, theirs = std::make_shared<UniqueFd>(std::move(pair->second))] {
            status = MailAgent(task, store::testing::recording_ops()).serve(priv::Channel(std::move(*theirs)));
        });
    }
    void stop() {
        channel.close();
        if (thread.joinable()) thread.join();
    }
    // The answer's body; descriptors in fds.
    template <class R>
    Result<typename R::Answer> ask(const R& request) {
        auto answer = priv::ask(channel, 7, request);
        if (!answer) return answer.error();
        fds = std::move(answer->fds);
        return std::move(answer->body);
    }
    MailboxSummary open() {
        auto summary = ask(OpenMailboxRequest{});
        EXPECT_TRUE(summary.ok());
        return summary ? *summary : MailboxSummary{};
    }

    Result<std::vector<ListedMessage>> list_from(std::uint32_t first) {
        auto list = ask(List{first});
        if (!list) return list.error();
        return std::move(list->messages);
    }

    store::testing::Scratch scratch;
    priv::Channel channel;
    std::thread thread;
    int status = -1;
    Millis expire{0};
    std::vector<UniqueFd> fds;
};

} // namespace

TEST_F(AgentTest, OpensListsAndHandsOutMessages) {
    scratch.put("new/1.a", "a: b\n\none\n");
    scratch.put("cur/2.b:2,S", "a: b\n\ntwo\n");
    EXPECT_EQ(open().messages, 2U);
    const auto list = list_from(0);
    ASSERT_TRUE(list.ok());
    ASSERT_EQ(list->size(), 2U);
    EXPECT_EQ((*list)[0].uid, 1U);
    EXPECT_EQ((*list)[1].uid, 2U);
    EXPECT_EQ((*list)[1].uidl, "");
    EXPECT_EQ((*list)[1].octets, 13U);
    ASSERT_TRUE(ask(Fetch{1, 1}).ok());
    ASSERT_EQ(fds.size(), 1U);
    EXPECT_EQ(*read_all(fds[0].get(), 100), "a: b\n\ntwo\n");
    EXPECT_EQ(::write(fds[0].get(), "x", 1), -1) << "for reading only";
}

TEST_F(AgentTest, AUidlFromElsewhereIsListed) {
    scratch.put("dovecot-uidlist", "3 V77 N9\n4 Pmine :1.a\n5 :2.b\n");
    scratch.put("new/1.a", "\n");
    scratch.put("new/2.b", "\n");
    EXPECT_EQ(open().uidvalidity, 77U);
    const auto list = list_from(0);
    ASSERT_TRUE(list.ok());
    ASSERT_EQ(list->size(), 2U);
    EXPECT_EQ((*list)[0].uidl, "mine");
    EXPECT_EQ((*list)[1].uidl, "");
    EXPECT_EQ((*list)[1].uid, 5U);
}

TEST_F(AgentTest, ALongListComesInSeveralAnswers) {
    stop();
    start(10'000);
    std::string uidlist = "3 V77 N6001\n";
    for (int i = 0; i < 6000; ++i) {
        const std::string base = std::to_string(100'000 + i) + ".M0P1Q1.a-host-name,S=1,W=2";
        scratch.put("new/" + base, "\n");
        uidlist += std::to_string(i + 1) + " Pown-" + std::to_string(i) + " :" + base + "\n";
    }
    scratch.put("dovecot-uidlist", uidlist);
    EXPECT_EQ(open().messages, 6000U);
    std::uint32_t seen = 0;
    int answers = 0;
    for (; seen < 6000; ++answers) {
        const auto list = list_from(seen);
        ASSERT_TRUE(list.ok());
        ASSERT_FALSE(list->empty());
        EXPECT_EQ(list->front().uid, seen + 1);
        EXPECT_EQ(list->front().uidl, "own-" + std::to_string(seen));
        EXPECT_EQ(list->back().uidl, "own-" + std::to_string(list->back().uid - 1));
        seen += static_cast<std::uint32_t>(list->size());
    }
    EXPECT_GE(answers, 2);
}

TEST_F(AgentTest, AboveTheLimitMessagesAreHidden) {
    stop();
    start(1);
    scratch.put("new/1.a", "\n");
    scratch.put("new/2.b", "\n");
    const MailboxSummary summary = open();
    EXPECT_EQ(summary.messages, 1U);
    EXPECT_EQ(summary.hidden, 1U);
}

TEST_F(AgentTest, RemovesOnRequestOnly) {
    for (const char* name : {"new/1.a", "new/2.b", "new/3.c"}) scratch.put(name, "\n");
    open();
    const std::vector<std::uint32_t> numbers = {0, 2};
    EXPECT_TRUE(ask(Remove{numbers}).ok());
    const std::vector<std::uint32_t> beyond = {3};
    EXPECT_EQ(ask(Remove{beyond}).error().code, Errc::protocol);
    EXPECT_TRUE(ask(Commit{}).ok());
    EXPECT_FALSE(scratch.has("new/3.c"));
    EXPECT_FALSE(scratch.has("new/1.a"));
    EXPECT_TRUE(scratch.has("new/2.b"));
    stop();
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(scratch.has("new/2.b"));
}

TEST_F(AgentTest, RemovalsThatMayNotLastAreAFailure) {
    scratch.put("new/1.a", "\n");
    open();
    EXPECT_TRUE(ask(Remove{{0}}).ok());
    store::testing::recording.fail = "fsync new";
    EXPECT_FALSE(ask(Commit{}).ok());
    stop();
    store::testing::recording.fail.clear();
}

TEST_F(AgentTest, MarksAsReadOnRequestOnly) {
    for (const char* name : {"new/1.a", "new/2.b"}) scratch.put(name, "\n");
    open();
    const std::vector<std::uint32_t> numbers = {1};
    EXPECT_TRUE(ask(MarkSeen{numbers}).ok());
    EXPECT_TRUE(scratch.has("new/1.a"));
    EXPECT_TRUE(scratch.has("cur/2.b:2,S"));
    const std::vector<std::uint32_t> beyond = {2};
    EXPECT_FALSE(ask(MarkSeen{beyond}).ok());
}

TEST_F(AgentTest, OldMessagesAreRemovedWhenTheMailboxIsOpened) {
    stop();
    expire = std::chrono::hours(24);
    start();
    scratch.put("new/1.old", "\n");
    scratch.put("new/2.young", "\n");
    ASSERT_EQ(std::system(("touch -d '2 days ago' " + scratch.maildir() + "/new/1.old").c_str()), 0);
    EXPECT_EQ(open().messages, 1U);
    EXPECT_FALSE(scratch.has("new/1.old"));
    EXPECT_TRUE(scratch.has("new/2.young"));
}

TEST_F(AgentTest, AMailboxInUseIsBusy) {
    const auto maildir = store::Maildir::open(scratch.maildir());
    const auto lock = store::SessionLock::acquire(*maildir, Millis(0));
    ASSERT_TRUE(lock.ok());
    const auto body = ask(OpenMailboxRequest{});
    ASSERT_FALSE(body.ok());
    EXPECT_EQ(body.error().code, Errc::in_use);
}

TEST_F(AgentTest, TheLockEndsWithTheAgent) {
    open();
    stop();
    const auto maildir = store::Maildir::open(scratch.maildir());
    EXPECT_TRUE(store::SessionLock::acquire(*maildir, Millis(0)).ok());
}

TEST_F(AgentTest, MessagesInARowComeInOneAnswer) {
    for (int i = 0; i < 100; ++i) scratch.put("new/" + std::to_string(1000 + i) + ".m", std::to_string(i) + "\n");
    open();
    const auto sizes = ask(Fetch{8, 1'000'000});
    ASSERT_TRUE(sizes.ok());
    ASSERT_EQ(fds.size(), fetch_batch);
    EXPECT_EQ(sizes->sizes, [] {
        std::vector<std::uint64_t> two_and_three_octets(fetch_batch, 3);
        two_and_three_octets[0] = two_and_three_octets[1] = 2;
        return two_and_three_octets;
    }());
    EXPECT_EQ(*read_all(fds.back().get(), 100), "39\n");
    ASSERT_TRUE(ask(Fetch{98, 32}).ok());
    EXPECT_EQ(fds.size(), 2U);
}

TEST_F(AgentTest, ARowEndsBeforeAMissingMessage) {
    for (int i = 0; i < 10; ++i) scratch.put("new/" + std::to_string(1000 + i) + ".m,S=1,W=2", "\n");
    open();
    ASSERT_EQ(::unlink((scratch.maildir() + "/new/1004.m,S=1,W=2").c_str()), 0);
    ASSERT_TRUE(ask(Fetch{1, 9}).ok());
    EXPECT_EQ(fds.size(), 3U);
    EXPECT_EQ(ask(Fetch{4, 9}).error().code, Errc::not_found);
}

TEST_F(AgentTest, AMissingMessageIsNotFound) {
    scratch.put("new/1.a", "\n");
    open();
    ASSERT_EQ(::unlink((scratch.maildir() + "/new/1.a").c_str()), 0);
    EXPECT_EQ(ask(Fetch{0, 1}).error().code, Errc::not_found);
    EXPECT_EQ(ask(Fetch{1, 1}).error().code, Errc::protocol);
}

TEST_F(AgentTest, AMailboxThatCannotBeOpenedIsAnError) {
    ASSERT_EQ(::rmdir((scratch.maildir() + "/cur").c_str()), 0);
    EXPECT_EQ(ask(OpenMailboxRequest{}).error().code, Errc::not_found);
}

TEST_F(AgentTest, ABreachOfTheTableEndsIt) {
    EXPECT_FALSE(ask(List{0}).ok()) << "nothing before open_mailbox";
    stop();
    EXPECT_EQ(status, 70);
    start();
    open();
    EXPECT_FALSE(ask(OpenMailboxRequest{}).ok()) << "once per session";
    stop();
    EXPECT_EQ(status, 70);
    start();
    EXPECT_FALSE(channel.call(4712, 7, {}).ok());
    stop();
    EXPECT_EQ(status, 70);
}

TEST_F(AgentTest, AMalformedRequestEndsIt) {
    open();
    EXPECT_FALSE(channel.call(List::row.type, 7, "abc").ok());
    stop();
    EXPECT_EQ(status, 70);
}

TEST(AgentProtocol, TheLargestRequestFitsItsRow) {
    const std::string largest = to_bytes(Remove{std::vector<std::uint32_t>(remove_batch, 7)});
    EXPECT_EQ(largest.size(), priv::row_of<Remove>.max_bytes);
    EXPECT_EQ(largest.size(), priv::row_of<MarkSeen>.max_bytes);
    EXPECT_LE(largest.size(), priv::max_payload);
}
