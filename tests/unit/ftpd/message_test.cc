// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/message.h"

#include <gtest/gtest.h>

using namespace posada::ftpd;

namespace {
const MessageFacts facts{
    "Tue, 24 Nov 2026 02:00:00 +0000", "/pub", "192.0.2.7", "mail.micasa.test", "daniel", "ftp@micasa.test", "25"};
}

TEST(Message, CookiesStandForFacts) {
    EXPECT_EQ(expand_message("Hello %U from %R at %L: %C, at most %M, ask %E", facts),
              "Hello daniel from 192.0.2.7 at mail.micasa.test: /pub, at most 25, ask ftp@micasa.test");
    EXPECT_EQ(expand_message("%T", facts), facts.time);
}

TEST(Message, WhatIsNoCookieStaysAsItIs) {
    EXPECT_EQ(expand_message("100%% of %s%n%x, 5%", facts), "100% of %s%n%x, 5%");
}

TEST(Message, AFactIsNotLookedThroughForCookies) {
    MessageFacts hostile = facts;
    hostile.directory = "/%U%E";
    EXPECT_EQ(expand_message("%C", hostile), "/%U%E");
}

TEST(Message, EachLineIsARepliesLine) {
    EXPECT_EQ(message_reply(230, "one\r\ntwo\n\n"), "230-one\r\n230-two\r\n");
    EXPECT_EQ(message_reply(230, ""), "");
    EXPECT_EQ(message_reply(230, "\n\n"), "");
}

TEST(Message, NothingForgesAReply) {
    const std::string out = message_reply(250, "a\r250 done\x1b[2J");
    EXPECT_EQ(out.find('\x1b'), std::string::npos);
    EXPECT_EQ(out.find('\r'), out.size() - 2);
}

TEST(Message, ALongOneIsCut) {
    const std::string out = message_reply(230, std::string(10'000, '\n') + "end");
    EXPECT_EQ(out.size(), most_message_lines * std::string("230-\r\n").size());
}
