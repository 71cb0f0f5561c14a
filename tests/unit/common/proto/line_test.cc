// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace posada::proto {
namespace {

// "line:text" per event, with flags; the stream is fed in the given pieces.
std::vector<std::string> read_all(LineReader& reader, const std::vector<std::string>& pieces) {
    std::vector<std::string> out;
    for (const auto& piece : pieces) {
        std::string_view rest = piece;
        while (!rest.empty()) {
            const LineEvent event = reader.consume(rest);
            EXPECT_GT(event.consumed, 0U);
            rest.remove_prefix(event.consumed);
            if (event.kind == LineKind::need_more) {
                EXPECT_TRUE(rest.empty());
                continue;
            }
            std::string shown = event.kind == LineKind::line ? "line:" : "malformed:";
            shown += event.line;
            if (event.kind == LineKind::too_long) shown = "too_long";
            if (event.bare_lf) shown += " lf";
            if (event.bare_cr) shown += " cr";
            if (event.nul) shown += " nul";
            out.push_back(shown);
        }
    }
    return out;
}

std::vector<std::string> read(const std::string& text, std::size_t limit = 512) {
    LineReader reader(limit);
    return read_all(reader, {text});
}

using Events = std::vector<std::string>;

TEST(Line, CutsAtCrlf) { EXPECT_EQ(read("HELO x\r\n\r\nQUIT\r\n"), (Events{"line:HELO x", "line:", "line:QUIT"})); }

TEST(Line, ToleratesBareLfOfATypist) { EXPECT_EQ(read("quit\n\n"), (Events{"line:quit lf", "line: lf"})); }

TEST(Line, ReportsBareCrAndNul) {
    EXPECT_EQ(read("a\rb\r\n"), (Events{"malformed:a\rb cr"}));
    EXPECT_EQ(read("a\r\r\n"), (Events{"malformed:a\r cr"}));
    EXPECT_EQ(read(std::string("a\0b\r\n", 5)), (Events{std::string("malformed:a\0b nul", 17)}));
}

TEST(Line, LimitCountsTheLineEnd) {
    EXPECT_EQ(read("12345678\r\n", 10), (Events{"line:12345678"}));
    EXPECT_EQ(read("123456789\r\n", 10), (Events{"too_long"}));
}

TEST(Line, OverlongLineIsSwallowedAndReportedOnce) {
    LineReader reader(16);
    Events pieces(1000, std::string(1000, 'x'));
    pieces.push_back("yy\r\nNOOP\r\n");
    EXPECT_EQ(read_all(reader, pieces), (Events{"too_long", "line:NOOP"}));
    EXPECT_FALSE(reader.pending());
}

TEST(Line, AnOverlongLineInPiecesIsNotKept) {
    LineReader reader(16);
    for (int i = 0; i < 17; ++i) EXPECT_EQ(reader.consume("x").kind, LineKind::need_more);
    reader.set_max_line(1000); // what was kept would be a line now
    EXPECT_EQ(reader.consume("\n").kind, LineKind::too_long);
}

TEST(Line, NothingBehindTheLineEndIsEaten) {
    LineReader reader(512);
    EXPECT_EQ(reader.consume("STARTTLS\r\nRSET\r\n").consumed, 10U);
    EXPECT_FALSE(reader.pending());
}

TEST(Line, ResetForgetsAnUnfinishedLine) {
    LineReader reader(512);
    EXPECT_EQ(reader.consume("RSE").kind, LineKind::need_more);
    EXPECT_TRUE(reader.pending());
    reader.reset();
    EXPECT_EQ(read_all(reader, {"NOOP\r\n"}), (Events{"line:NOOP"}));
}

TEST(Line, EverySplitGivesTheSameLines) {
    const std::string text("EHLO a\r\nNOOP\n\r\nx\ry\r\n0123456789012345678901234567890123\r\nb\0\r\nQUIT\r\n", 66);
    const Events whole = read(text, 32);
    EXPECT_EQ(whole.size(), 7U);
    for (std::size_t i = 0; i <= text.size(); ++i)
        for (std::size_t j = i; j <= text.size(); ++j) {
            LineReader reader(32);
            EXPECT_EQ(read_all(reader, {text.substr(0, i), text.substr(i, j - i), text.substr(j)}), whole);
        }
}

} // namespace
} // namespace posada::proto
