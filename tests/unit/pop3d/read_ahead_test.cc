// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/read_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

using namespace posada;
using namespace posada::pop3d;

namespace {

std::vector<OpenedMessage> messages(const Fetch& range) {
    std::vector<OpenedMessage> out(range.count);
    for (std::uint32_t i = 0; i < range.count; ++i) out[i].size = range.first + i; // its number, to know it again
    return out;
}

// A client that takes these messages, each when the one before has come; "first+count" of what the agent was asked.
std::string requests(ReadAhead& ahead, const std::vector<std::uint32_t>& numbers) {
    std::string out;
    const auto ask = [&] {
        const auto asked = ahead.next_request();
        if (!asked) return false;
        out += " " + std::to_string(asked->first) + "+" + std::to_string(asked->count);
        ahead.answered(*asked, messages(*asked));
        return true;
    };
    for (const std::uint32_t number : numbers) {
        ahead.want(number);
        auto got = ahead.take();
        while (ask()) {
        }
        if (!got) got = ahead.take();
        EXPECT_EQ(got ? got->size : ~std::uint64_t{0}, number);
    }
    return out;
}

std::vector<std::uint32_t> row(std::uint32_t from, std::uint32_t to) {
    std::vector<std::uint32_t> out;
    for (; from < to; ++from) out.push_back(from);
    return out;
}

} // namespace

TEST(ReadAhead, OneMessageIsOneMessage) {
    ReadAhead ahead(1000);
    EXPECT_EQ(requests(ahead, {7}), " 7+1");
}

TEST(ReadAhead, ARowOfMessagesIsFetchedInBatchesBeforeTheLastIsUsedUp) {
    ReadAhead ahead(100);
    EXPECT_EQ(requests(ahead, row(0, 100)), " 0+1 1+2 3+2 5+8 13+32 45+32 77+23");
}

TEST(ReadAhead, JumpsAskForOneAtATime) {
    ReadAhead ahead(1000);
    EXPECT_EQ(requests(ahead, {9, 5, 700, 2}), " 9+1 5+1 700+1 2+1");
}

TEST(ReadAhead, SkippedMessagesDoNotBreakTheRow) {
    ReadAhead ahead(1000);
    EXPECT_EQ(requests(ahead, {0, 1, 3, 4, 7}), " 0+1 1+2 3+2 5+8 13+32");
}

TEST(ReadAhead, NeverHoldsMoreThanTwoBatches) {
    ReadAhead ahead(1'000'000);
    std::uint32_t asked = 0, taken = 0;
    for (std::uint32_t number = 0; number < 5000; ++number, ++taken) {
        ahead.want(number);
        while (const auto request = ahead.next_request()) {
            asked += request->count;
            ASSERT_LE(asked - taken, 2 * fetch_batch);
            ahead.answered(*request, messages(*request));
        }
        ASSERT_TRUE(ahead.take().has_value());
    }
}

TEST(ReadAhead, AnAnswerThatNobodyWaitsForAnyMoreIsDropped) {
    ReadAhead ahead(1000);
    ahead.want(3);
    const auto old = *ahead.next_request();
    ahead.want(500);
    const auto now = *ahead.next_request();
    ahead.answered(old, messages(old));
    EXPECT_FALSE(ahead.take().has_value());
    ahead.answered(now, messages(now));
    EXPECT_EQ(ahead.take()->size, 500U);
}

TEST(ReadAhead, WhatCannotBeOpenedAheadOfNeedIsAskedForAgainWhenItIsNeeded) {
    ReadAhead ahead(1000);
    requests(ahead, {0, 1, 2}); // 0 to 12 were asked for
    std::string asked;
    for (std::uint32_t number = 3; number < 25; ++number) {
        ahead.want(number);
        for (auto got = ahead.take(); !got; got = ahead.take()) {
            const auto request = ahead.next_request();
            ASSERT_TRUE(request.has_value());
            asked += " " + std::to_string(request->first);
            if (request->first != 13)
                ahead.answered(*request, messages(*request));
            else if (ahead.failed(*request))
                break;
        }
        if (const auto request = ahead.next_request()) {
            asked += " ahead:" + std::to_string(request->first);
            if (request->first != 13)
                ahead.answered(*request, messages(*request));
            else
                EXPECT_FALSE(ahead.failed(*request)) << "nobody waits for it";
        }
    }
    EXPECT_EQ(asked, " ahead:13 13 14 15 ahead:17 ahead:19 ahead:27");
}

TEST(ReadAhead, AShorterAnswerIsContinued) {
    ReadAhead ahead(10);
    ahead.want(0);
    auto request = *ahead.next_request();
    ahead.answered(request, messages(request));
    ASSERT_TRUE(ahead.take().has_value());
    ahead.want(1);
    request = *ahead.next_request();
    EXPECT_EQ(request.count, 2U);
    const auto behind = *ahead.next_request();
    EXPECT_EQ(behind.first, 3U);
    ahead.answered(request, messages({request.first, 1}));
    ASSERT_TRUE(ahead.take().has_value());
    ahead.answered(behind, messages(behind)); // does not join on
    ahead.want(2);
    EXPECT_FALSE(ahead.take().has_value());
    EXPECT_EQ(ahead.next_request()->first, 2U);
}

TEST(ReadAhead, TheAgentHasTheNextRequestBeforeItHasAnsweredTheLast) {
    ReadAhead ahead(1000);
    requests(ahead, row(0, 40));
    std::vector<Fetch> on_their_way;
    for (std::uint32_t number = 40; number < 200; ++number) {
        ahead.want(number);
        while (const auto request = ahead.next_request()) on_their_way.push_back(*request);
        ASSERT_LE(on_their_way.size(), 2U);
        auto got = ahead.take();
        if (!got) {
            ASSERT_EQ(on_their_way.size(), 2U) << number;
            ahead.answered(on_their_way.front(), messages(on_their_way.front()));
            on_their_way.erase(on_their_way.begin());
            got = ahead.take();
        }
        ASSERT_EQ(got->size, number);
    }
}
