// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/reply.h"

#include <gtest/gtest.h>

namespace posada::proto {
namespace {

TEST(Reply, SingleLine) {
    EXPECT_EQ(numeric_reply(250, "2.1.0", "<a@b> ... Sender ok"), "250 2.1.0 <a@b> ... Sender ok\r\n");
    EXPECT_EQ(numeric_reply(354, "", "go"), "354 go\r\n");
}

TEST(Reply, MultiLineMarksAllButTheLast) {
    EXPECT_EQ(numeric_reply(250, "", std::vector<std::string>{"host", "SIZE 1", "HELP"}),
              "250-host\r\n250-SIZE 1\r\n250 HELP\r\n");
    EXPECT_EQ(numeric_reply(214, "2.0.0", std::vector<std::string>{"a", "b"}), "214-2.0.0 a\r\n214 2.0.0 b\r\n");
}

TEST(Reply, ABlockHoldsLinesThatCannotEndIt) {
    const std::string lines[] = {"SIZE", "211 End", "caf\xc3\xa9", "a\r\n211 b"};
    EXPECT_EQ(numeric_block(211, "Features:", lines, "End", Charset::utf8),
              "211-Features:\r\n SIZE\r\n 211 End\r\n caf\xc3\xa9\r\n a\\x0d\\x0a211 b\r\n211 End\r\n");
    EXPECT_EQ(numeric_block(213, "caf\xc3\xa9", {}, ""), "213-caf\\xc3\\xa9\r\n213 \r\n");
    const std::string path(5000, 'x');
    EXPECT_EQ(numeric_block(257, path, {}, "", Charset::utf8).size(), path.size() + 4 + 2 + 4 + 2);
    EXPECT_EQ(numeric_block(257, path + path, {}, "").size(), max_block_line + 4 + 2);
}

TEST(Reply, Pop3Forms) {
    EXPECT_EQ(ok_reply(), "+OK\r\n");
    EXPECT_EQ(ok_reply("2 messages"), "+OK 2 messages\r\n");
    EXPECT_EQ(err_reply("no"), "-ERR no\r\n");
    EXPECT_EQ(err_reply("locked", "IN-USE"), "-ERR [IN-USE] locked\r\n");
}

TEST(Reply, ClientTextCannotStartALineOrSendEscapes) {
    EXPECT_EQ(numeric_reply(501, "5.5.4", "a\r\n250 ok\x1b[31m\x7f\xc3\xb1"),
              "501 5.5.4 a\\x0d\\x0a250 ok\\x1b[31m\\x7f\\xc3\\xb1\r\n");
    EXPECT_EQ(ok_reply(std::string_view("a\0b", 3)), "+OK a\\x00b\r\n");
}

TEST(Reply, NoLineIsLongerThan512Octets) {
    const std::string longest(5000, 'x');
    EXPECT_EQ(numeric_reply(250, "2.0.0", longest).size(), max_reply_line);
    EXPECT_EQ(err_reply(longest, "AUTH").size(), max_reply_line);
    const std::string escapes(5000, '\n');
    const std::string out = numeric_reply(250, "", escapes);
    EXPECT_LE(out.size(), max_reply_line);
    EXPECT_EQ(out.substr(out.size() - 6), "\\x0a\r\n");
}

} // namespace
} // namespace posada::proto
