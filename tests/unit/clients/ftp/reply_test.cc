// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/reply.h"

#include <gtest/gtest.h>

namespace posada::ftp {

static Result<std::optional<Reply>> feed(ReplyReader& reader, const std::vector<std::string>& lines) {
    for (const std::string& line : lines)
        if (auto got = reader.add(line); !got || *got) return got;
    return std::optional<Reply>{};
}

TEST(Reply, OneLineIsAReply) {
    ReplyReader reader;
    const auto reply = feed(reader, {"226 Transfer complete."});
    ASSERT_TRUE(reply && *reply);
    EXPECT_EQ((*reply)->code, 226U);
    EXPECT_EQ((*reply)->text(), "Transfer complete.");
    EXPECT_TRUE((*reply)->ok());
}

TEST(Reply, ABareCodeIsAReplyWithoutText) {
    ReplyReader reader;
    const auto reply = feed(reader, {"200"});
    ASSERT_TRUE(reply && *reply);
    EXPECT_EQ((*reply)->text(), "");
}

TEST(Reply, ManyLinesEndWithTheFirstCodeAndABlank) {
    ReplyReader reader;
    const auto open = feed(reader, {"221-You have", "221-more", "226 another code", " 221 indented", "free text"});
    ASSERT_TRUE(open);
    EXPECT_FALSE(*open);
    const auto reply = feed(reader, {"221 Goodbye."});
    ASSERT_TRUE(reply && *reply);
    EXPECT_EQ((*reply)->lines.size(), 6U);
    EXPECT_FALSE(reader.pending());
}

TEST(Reply, WhatIsNoReplyIsRefused) {
    for (const char* line : {"", "22", "hello", "999 no", "099 no", "220x", "2 0 x"}) {
        ReplyReader reader;
        const auto reply = feed(reader, {line});
        ASSERT_FALSE(reply) << line;
        EXPECT_EQ(reply.error().code, Errc::protocol);
    }
}

TEST(Reply, AReplyThatDoesNotEndIsCutOff) {
    ReplyReader lines;
    std::size_t count = 0;
    while (lines.add("220-x")) ASSERT_LE(++count, max_reply_lines);
    EXPECT_EQ(count, max_reply_lines);

    ReplyReader octets;
    const std::string line = "220-" + std::string(10'000, 'x');
    count = 0;
    while (octets.add(line)) ASSERT_LE(++count * line.size(), max_reply_octets);
    EXPECT_EQ(count, max_reply_octets / line.size());
}

TEST(Reply, TheBoundsCountOneReply) {
    ReplyReader reader;
    const std::string line = "220 " + std::string(10'000, 'x');
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(reader.add(line)) << i;
}

TEST(Reply, TheSizeThatAServerAnnounces) {
    EXPECT_EQ(announced_size("Opening BINARY mode data connection for a (b) (4187 bytes)."), 4187U);
    EXPECT_EQ(announced_size("Opening BINARY mode data connection."), std::nullopt);
    EXPECT_EQ(announced_size("(many bytes)"), std::nullopt);
    EXPECT_EQ(announced_size(" bytes)"), std::nullopt);
}

} // namespace posada::ftp
