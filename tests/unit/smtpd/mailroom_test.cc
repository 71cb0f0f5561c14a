// SPDX-License-Identifier: BSD-2-Clause
// What waits for the queue while it is being started again.
#include "smtpd/mailroom.h"

#include <gtest/gtest.h>

namespace posada::smtpd {
namespace {

struct MailroomTest : testing::Test {
    MailroomTest() { settings.policy.queue_wait = Millis(200); }
    void ask(std::uint64_t session) {
        room.when_queue(session, [this, session](bool there) {
            answers.push_back(std::to_string(session) + (there ? " there" : " not there"));
            loop->stop();
        });
    }
    void run_for(Millis time) {
        io::Timer end(*loop, [this] { loop->stop(); });
        end.start(time);
        while (end.running()) loop->run();
    }
    // The queue's end of a new channel.
    priv::Channel connect() {
        auto pair = make_seqpacket_pair();
        room.adopt("queue", std::move(pair->first));
        return priv::Channel(std::move(pair->second));
    }

    std::unique_ptr<io::Loop> loop = std::move(*io::Loop::create());
    int wanted = 0;
    service::NetContext context{*loop, {}, [] {}, [this](std::string_view) { ++wanted; }, [](std::uint64_t) {}};
    NetSettings settings;
    Mailroom room{context, settings};
    std::vector<std::string> answers;
};

TEST_F(MailroomTest, AMailWaitsForTheQueueAndNoLongerThanQueueWait) {
    const Instant began = loop->clock().now();
    ask(1);
    EXPECT_TRUE(answers.empty());
    run_for(Millis(100));
    ask(2);
    while (answers.size() < 2) loop->run();
    EXPECT_EQ(answers, (std::vector<std::string>{"1 not there", "2 not there"}));
    EXPECT_GE(loop->clock().now() - began, Millis(300)) << "each its own time";
}

TEST_F(MailroomTest, EverybodyWhoWaitsIsToldWhenItIsBackAndWhoLeftIsNot) {
    settings.policy.queue_wait = Seconds(60);
    for (const std::uint64_t session : {1UL, 2UL, 3UL}) ask(session);
    room.forget(2);
    const priv::Channel queue = connect();
    EXPECT_EQ(answers, (std::vector<std::string>{"1 there", "3 there"}));
    ask(4);
    EXPECT_EQ(answers.back(), "4 there") << "at once";
}

TEST_F(MailroomTest, WithoutTheWaitTheAnswerIsGivenAtOnce) {
    settings.policy.queue_wait = Millis(0);
    ask(1);
    EXPECT_EQ(answers, (std::vector<std::string>{"1 not there"}));
}

TEST_F(MailroomTest, AMessageThatHasBeenReadIsHandedOverWhenTheQueueIsBack) {
    settings.policy.queue_wait = Seconds(60);
    connect(); // ends at once
    while (wanted == 0) run_for(Millis(5));
    std::vector<UniqueFd> parts;
    parts.push_back(std::move(*make_sealed_memfd("body", "Subject: late\r\n\r\n")));
    Envelope envelope;
    envelope.recipients.push_back({"lir@micasa.test", RecipientKind::local});
    Result<std::string> queued = Error{Errc::busy, 0, "not yet"};
    room.submit(7, envelope, std::move(parts), [&](Result<std::string> id) { queued = std::move(id); });
    run_for(Millis(20));
    EXPECT_EQ(queued.error().code, Errc::busy) << "neither lost nor refused";
    priv::Channel queue = connect();
    std::size_t fds = 0;
    while (fds == 0) { // the spaces are asked for first
        auto message = queue.receive(1);
        ASSERT_TRUE(message.ok() && message->has_value());
        if ((*message)->session != 7) continue;
        fds = (*message)->fds.size();
        Writer id;
        id.str("4711");
        ASSERT_TRUE(queue.send(static_cast<std::uint16_t>((*message)->type + 1), 7, priv::encode_ok(id.bytes())));
    }
    EXPECT_EQ(fds, 1U);
    for (int i = 0; i < 100 && !queued.ok(); ++i) run_for(Millis(5));
    ASSERT_TRUE(queued.ok());
    EXPECT_EQ(*queued, "4711");
}

} // namespace
} // namespace posada::smtpd
