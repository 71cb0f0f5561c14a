// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/message_writer.h"

#include <gtest/gtest.h>

#include <random>

#include "common/store/message_measure.h"
#include "tests/support/mailboxes.h"

using namespace posada;
using pop3d::MessageWriter;

static std::string sent(std::string_view stored, std::optional<std::uint64_t> lines = {}, std::size_t step = 4096) {
    MessageWriter writer(lines);
    std::string out;
    for (; !stored.empty(); stored.remove_prefix(std::min(step, stored.size())))
        writer.write(stored.substr(0, step), out);
    writer.finish(out);
    return out;
}

// What the client keeps (RFC 1939 §3): the final dot gone, stuffing undone.
static std::string unstuffed(std::string_view wire) {
    EXPECT_TRUE(wire.ends_with(".\r\n"));
    wire.remove_suffix(3);
    std::string out;
    while (!wire.empty()) {
        const std::size_t end = wire.find("\r\n");
        EXPECT_NE(end, std::string_view::npos);
        if (end == std::string_view::npos) break;
        out.append(wire.substr(wire.front() == '.' ? 1 : 0, end + 2 - (wire.front() == '.' ? 1 : 0)));
        wire.remove_prefix(end + 2);
    }
    return out;
}

static std::uint64_t announced(std::string_view stored) {
    store::MessageMeasure measure;
    measure.add(stored);
    return measure.sent();
}

TEST(MessageWriter, DotsAtTheStartOfALineAreStuffed) {
    EXPECT_EQ(sent("\r\n.\r\n..\r\na.b\r\n"), "\r\n..\r\n...\r\na.b\r\n.\r\n");
}

TEST(MessageWriter, BareLineFeedsBecomeCrlf) { EXPECT_EQ(sent("a: b\n\nc\n"), "a: b\r\n\r\nc\r\n.\r\n"); }

TEST(MessageWriter, AnUnfinishedLastLineIsEnded) { EXPECT_EQ(sent("a: b\r\n\r\nc"), "a: b\r\n\r\nc\r\n.\r\n"); }

TEST(MessageWriter, AMissingEndOfHeaderIsAdded) {
    EXPECT_EQ(sent("a: b\r\n"), "a: b\r\n\r\n.\r\n");
    EXPECT_EQ(sent("a: b"), "a: b\r\n\r\n.\r\n");
    EXPECT_EQ(sent(""), "\r\n.\r\n");
}

TEST(MessageWriter, NulBecomesAnOctetThatMailProgramsSurvive) {
    using namespace std::string_literals;
    EXPECT_EQ(sent("\r\na\0b\r\n"s), "\r\na\x80"
                                     "b\r\n.\r\n");
}

TEST(MessageWriter, TopCountsBodyLinesOnly) {
    const std::string message = "a: b\r\nc: d\r\n\r\n1\r\n2\r\n3\r\n";
    EXPECT_EQ(sent(message, 0), "a: b\r\nc: d\r\n\r\n.\r\n");
    EXPECT_EQ(sent(message, 1), "a: b\r\nc: d\r\n\r\n1\r\n.\r\n");
    EXPECT_EQ(sent(message, 3), sent(message));
    EXPECT_EQ(sent(message, 99'999'999), sent(message));
    EXPECT_EQ(sent(message, ~std::uint64_t{0}), sent(message));
}

TEST(MessageWriter, TopOfAHeaderWithoutEndAddsIt) { EXPECT_EQ(sent("a: b\n", 0), "a: b\r\n\r\n.\r\n"); }

TEST(MessageWriter, TopStopsReadingWhenItHasItsLines) {
    MessageWriter writer(1);
    std::string out;
    writer.write("a: b\n\n1\n2\n3\n", out);
    EXPECT_TRUE(writer.satisfied());
    writer.write("4\n", out);
    writer.finish(out);
    EXPECT_EQ(out, "a: b\r\n\r\n1\r\n.\r\n");
}

TEST(MessageWriter, AnySplitGivesTheSame) {
    for (const std::string& message : test::make_mailbox("quirks")) {
        if (message.size() > 1000) continue;
        for (std::size_t step = 1; step < 8; ++step) {
            EXPECT_EQ(sent(message, {}, step), sent(message)) << message;
            EXPECT_EQ(sent(message, 1, step), sent(message, 1)) << message;
        }
    }
}

TEST(MessageWriter, SendsExactlyTheOctetsThatListAnnounces) {
    for (const std::string& message : test::make_mailbox("quirks"))
        EXPECT_EQ(unstuffed(sent(message)).size(), announced(message));
    std::mt19937 random(42);
    constexpr char alphabet[] = {'a', '.', '\r', '\n', '\0', ':'};
    for (int round = 0; round < 20'000; ++round) {
        std::string message(random() % 12, ' ');
        for (char& c : message) c = alphabet[random() % sizeof alphabet];
        ASSERT_EQ(unstuffed(sent(message, {}, 1 + random() % 5)).size(), announced(message))
            << testing::PrintToString(message);
    }
}
