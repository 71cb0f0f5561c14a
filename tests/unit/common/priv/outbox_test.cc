// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/outbox.h"

#include <gtest/gtest.h>

namespace posada::priv {
namespace {

TEST(Outbox, WhatAFullChannelDoesNotTakeLeavesLaterInOrder) {
    auto pair = make_seqpacket_pair();
    Channel ours(std::move(pair->first));
    Channel theirs(std::move(pair->second));
    ASSERT_TRUE(set_nonblocking(ours.fd(), true));
    ASSERT_TRUE(set_nonblocking(theirs.fd(), true));
    Outbox out;
    const std::string payload(20'000, 'x');
    constexpr unsigned packets = 200; // more than a socket holds
    for (unsigned i = 0; i < packets; ++i) out.add(2, i, payload);
    ASSERT_TRUE(out.flush(ours));
    ASSERT_FALSE(out.empty());
    unsigned next = 0;
    for (unsigned tries = 0; next < packets && tries < 10 * packets; ++tries) {
        while (const auto got = theirs.receive(0)) EXPECT_EQ((*got)->session, next++);
        ASSERT_TRUE(out.flush(ours));
    }
    EXPECT_EQ(next, packets);
    EXPECT_TRUE(out.empty());
}

TEST(Outbox, ADescriptorLeavesWithItsPacketAndIsClosedHere) {
    auto pair = make_seqpacket_pair();
    auto pipe = make_pipe();
    Channel ours(std::move(pair->first));
    Channel theirs(std::move(pair->second));
    Outbox out;
    std::vector<UniqueFd> fds;
    fds.push_back(std::move(pipe->second));
    out.add(2, 1, "fd", std::move(fds));
    ASSERT_TRUE(out.flush(ours));
    {
        const auto got = theirs.receive(1);
        ASSERT_TRUE(got.ok() && got->has_value());
        ASSERT_EQ((*got)->fds.size(), 1U);
        EXPECT_TRUE(write_all((*got)->fds[0].get(), "y"));
    }
    EXPECT_EQ(*read_all(pipe->first.get(), 10), "y") << "nobody has the writing end any more";
}

TEST(Outbox, AnEndedChannelEmptiesIt) {
    auto pair = make_seqpacket_pair();
    Channel ours(std::move(pair->first));
    pair->second.reset();
    Outbox out;
    out.add(2, 1, "x");
    EXPECT_FALSE(out.flush(ours).ok());
    EXPECT_TRUE(out.empty());
}

} // namespace
} // namespace posada::priv
