// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/dot.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace posada::proto {
namespace {

struct Outcome {
    std::string content;
    std::string rest; // what the reader left to the command parser
    DataFault fault = DataFault::none;
    bool ended = false;
    std::uint64_t size = 0;
    friend bool operator==(const Outcome& a, const Outcome& b) {
        const bool refused = a.fault != DataFault::none; // the content so far is thrown away
        return (refused || a.content == b.content) && a.rest == b.rest && a.fault == b.fault && a.ended == b.ended;
    }
};

std::ostream& operator<<(std::ostream& out, const Outcome& o) {
    return out << "{content=" << testing::PrintToString(o.content) << " rest=" << testing::PrintToString(o.rest)
               << " fault=" << data_fault_text(o.fault) << " ended=" << o.ended << "}";
}

Outcome read(const std::vector<std::string>& pieces, DataLines lines = DataLines::crlf, std::uint64_t limit = 1 << 20) {
    DotReader reader(limit, lines);
    Outcome out;
    for (const auto& piece : pieces) {
        const std::size_t used = reader.consume(piece, [&out](std::string_view part) { out.content += part; });
        EXPECT_TRUE(reader.ended() || used == piece.size());
        out.rest += piece.substr(used);
    }
    out.fault = reader.fault();
    out.ended = reader.ended();
    out.size = reader.size();
    return out;
}

// The outcome of text in one piece, after checking that each way to cut it in two, and single bytes, give the same.
Outcome read_every_split(const std::string& text, DataLines lines = DataLines::crlf, std::uint64_t limit = 1 << 20) {
    const Outcome whole = read({text}, lines, limit);
    for (std::size_t i = 0; i <= text.size(); ++i)
        EXPECT_EQ(read({text.substr(0, i), text.substr(i)}, lines, limit), whole) << "split at " << i;
    std::vector<std::string> bytes;
    for (const char c : text) bytes.emplace_back(1, c);
    EXPECT_EQ(read(bytes, lines, limit), whole);
    return whole;
}

TEST(DotReader, EndsAtCrlfDotCrlfAndLeavesTheRest) {
    const Outcome out = read_every_split("Hola\r\nAqui\r\n.\r\nQUIT\r\n");
    EXPECT_EQ(out, (Outcome{"Hola\r\nAqui\r\n", "QUIT\r\n", DataFault::none, true}));
    EXPECT_EQ(out.size, 12U);
}

TEST(DotReader, EmptyMessage) { EXPECT_EQ(read_every_split(".\r\n"), (Outcome{"", "", DataFault::none, true})); }

TEST(DotReader, RemovesOneStuffedDot) {
    const Outcome out = read_every_split("..\r\n...x\r\n.y\r\na..b\r\n.\r\n");
    EXPECT_EQ(out, (Outcome{".\r\n..x\r\ny\r\na..b\r\n", "", DataFault::none, true}));
}

TEST(DotReader, DotInsideALineIsNoEnd) {
    EXPECT_EQ(read_every_split("a.\r\n. \r\n.\r\n"), (Outcome{"a.\r\n \r\n", "", DataFault::none, true}));
}

TEST(DotReader, UnfinishedIsNotEnded) {
    for (const char* text : {"", "a", "a\r\n", "a\r\n.", "a\r\n.\r", "a\r"}) {
        const Outcome out = read_every_split(text);
        EXPECT_FALSE(out.ended) << text;
        EXPECT_EQ(out.fault, DataFault::none) << text;
    }
}

// Reference list row 1 (CVE-2023-51764, -51765, -51766): every sequence that some server takes for the end of data.
// Whatever stands behind it must not be left for the command parser together with an accepted message.
TEST(DotReader, SmugglingVariantsNeverEndAnAcceptedMessage) {
    const std::string variants[] = {"\n.\n",
                                    "\n.\r",
                                    "\r.\n",
                                    "\r.\r",
                                    "\n.\r\n",
                                    "\r.\r\n",
                                    "\r\n.\n",
                                    "\r\n.\r",
                                    std::string("\r\n\0.\r\n", 6),
                                    std::string("\r\n.\0\r\n", 6),
                                    "\r\n.\r\r\n",
                                    "\r\r\n.\r\r\n",
                                    "\r\n\r.\r\n",
                                    "\r\n.\n\r\n"};
    for (const std::string& variant : variants) {
        const std::string smuggled = "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx\r\n.\r\n";
        const Outcome out = read_every_split("Subject: one\r\n\r\nbody" + variant + smuggled);
        EXPECT_TRUE(out.ended) << testing::PrintToString(variant);
        EXPECT_NE(out.fault, DataFault::none) << testing::PrintToString(variant);
        EXPECT_NE(out.fault, DataFault::too_large) << testing::PrintToString(variant);
    }
}

TEST(DotReader, FaultNamesWhatWasWrong) {
    EXPECT_EQ(read_every_split("a\nb\r\n.\r\n").fault, DataFault::bare_lf);
    EXPECT_EQ(read_every_split("\nb\r\n.\r\n").fault, DataFault::bare_lf);
    EXPECT_EQ(read_every_split("a\rb\r\n.\r\n").fault, DataFault::bare_cr);
    EXPECT_EQ(read_every_split("a\r\r\n.\r\n").fault, DataFault::bare_cr);
    EXPECT_EQ(read_every_split(std::string("a\0b\r\n.\r\n", 9)).fault, DataFault::nul);
}

// Row 3: the first header line ends in LF; that must choose nothing.
TEST(DotReader, ContentDoesNotChooseTheLineEnd) {
    const Outcome out = read_every_split("Subject: a\n\nbody\n.\nMAIL FROM:<x@y.example>\r\n.\r\n");
    EXPECT_EQ(out.fault, DataFault::bare_lf);
}

// Row 5: the line is counted, not a C string.
TEST(DotReader, NulBehindTheDotIsNoEnd) {
    const Outcome out = read_every_split(std::string("a\r\n.\0x\r\nMAIL FROM:<x@y.example>\r\n.\r\nQUIT\r\n", 42));
    EXPECT_EQ(out.fault, DataFault::nul);
    EXPECT_TRUE(out.ended);
    EXPECT_EQ(out.rest, "QUIT\r\n");
}

// Row 6: the rest of an oversize message is never read as commands.
TEST(DotReader, OversizeRunsToTheTrueEnd) {
    const std::string text = "0123456789\r\nMAIL FROM:<a@b.example>\r\nDATA\r\n..\r\n.\r\nNOOP\r\n";
    const Outcome out = read_every_split(text, DataLines::crlf, 11);
    EXPECT_EQ(out.fault, DataFault::too_large);
    EXPECT_TRUE(out.ended);
    EXPECT_EQ(out.rest, "NOOP\r\n");
    EXPECT_EQ(out.size, text.size() - 6 - 3 - 1);
}

TEST(DotReader, SizeLimitIsExact) {
    EXPECT_EQ(read({"123456\r\n.\r\n"}, DataLines::crlf, 8).fault, DataFault::none);
    EXPECT_EQ(read({"1234567\r\n.\r\n"}, DataLines::crlf, 8).fault, DataFault::too_large);
}

TEST(DotReader, TypedLinesEndInLfAndAreStoredWithCrlf) {
    const Outcome out = read_every_split("Hola\n..x\n\n.\nquit\n", DataLines::lf);
    EXPECT_EQ(out, (Outcome{"Hola\r\n.x\r\n\r\n", "quit\n", DataFault::none, true}));
    EXPECT_EQ(out.size, 12U);
}

TEST(DotReader, TypedDataKnowNoOtherLineEnd) {
    for (const char* variant : {"\r\n.\n", "\n.\r\n", "\r\n.\r\n", "\r.\n", "\n.\r"}) {
        const Outcome out = read_every_split(std::string("body") + variant + "MAIL\nDATA\nx\n.\n", DataLines::lf);
        EXPECT_EQ(out.fault, DataFault::bare_cr) << testing::PrintToString(variant);
        EXPECT_TRUE(out.ended);
    }
}

TEST(DotReader, RepairedLineEnds) {
    const Outcome out = read_every_split("a: b\n\n.dot\r\n..x\n..y\n.\n", DataLines::repair);
    EXPECT_EQ(out.fault, DataFault::bare_lf) << "a lone dot behind a bare LF";
    const Outcome good = read_every_split("a: b\n\n.dot\r\n..x\n..y\n\r\n.z\n.\t\r\n.\r\nQUIT\r\n", DataLines::repair);
    EXPECT_EQ(good, (Outcome{"a: b\r\n\r\n.dot\r\n.x\r\n..y\r\n\r\nz\r\n.\t\r\n", "QUIT\r\n", DataFault::none, true}));
    EXPECT_EQ(good.size, good.content.size());
}

TEST(DotReader, RepairDoesNotOpenTheDoorToSmuggling) {
    const std::string variants[] = {"\n.\n",
                                    "\n.\r",
                                    "\r.\n",
                                    "\r.\r",
                                    "\n.\r\n",
                                    "\r.\r\n",
                                    "\r\n.\n",
                                    "\r\n.\r",
                                    "\r\n.\r\r\n",
                                    "\r\r\n.\r\r\n",
                                    "\r\n\r.\r\n",
                                    "\r\n.\n\r\n",
                                    std::string("\r\n\0.\r\n", 6)};
    for (const std::string& variant : variants) {
        const Outcome out = read_every_split("body" + variant + "MAIL FROM:<a@b.example>\r\n.\r\n", DataLines::repair);
        EXPECT_TRUE(out.ended && out.fault != DataFault::none) << testing::PrintToString(variant);
    }
}

// Row 4, the volume half: an end that falls behind 64 KiB of content, at every offset around the boundary.
TEST(DotReader, EndAroundA64KBoundary) {
    for (std::size_t size = 65'530; size < 65'542; ++size) {
        const std::string text = std::string(size, 'x') + "\r\n.\r\nQUIT\r\n";
        const Outcome out = read({text.substr(0, 65'536), text.substr(65'536)});
        EXPECT_EQ(out.content.size(), size + 2);
        EXPECT_EQ(out.rest, "QUIT\r\n");
        EXPECT_EQ(out.fault, DataFault::none);
    }
}

// ---- DotWriter

std::string write(const std::vector<std::string>& pieces, std::size_t wrap = 0) {
    DotWriter writer(wrap);
    std::string out;
    for (const auto& piece : pieces) writer.write(piece, out);
    writer.finish(out);
    return out;
}

std::string write_every_split(const std::string& text, std::size_t wrap = 0) {
    const std::string whole = write({text}, wrap);
    for (std::size_t i = 0; i <= text.size(); ++i)
        EXPECT_EQ(write({text.substr(0, i), text.substr(i)}, wrap), whole) << "split at " << i;
    std::vector<std::string> bytes;
    for (const char c : text) bytes.emplace_back(1, c);
    EXPECT_EQ(write(bytes, wrap), whole);
    return whole;
}

TEST(DotWriter, StuffsAndEnds) { EXPECT_EQ(write_every_split("a\r\n.\r\n..b\r\n"), "a\r\n..\r\n...b\r\n.\r\n"); }

TEST(DotWriter, StoredLfBecomesCrlf) { EXPECT_EQ(write_every_split("a\n.b\n\nc\r\n"), "a\r\n..b\r\n\r\nc\r\n.\r\n"); }

TEST(DotWriter, LongTextInOnePieceIsTheSameAsInSingleOctets) {
    std::string text, expected;
    for (unsigned i = 0, random = 1; i < 30'000; ++i, random = random * 1'103'515'245 + 12'345)
        text += "ab..\n\nc\r"[(random >> 16) % (i < 15'000 ? 7 : 8)]; // CRs in the second half only
    DotWriter single;
    for (const char c : text) single.write(std::string_view(&c, 1), expected);
    single.finish(expected);
    EXPECT_EQ(write({text}), expected);
    EXPECT_EQ(write({text.substr(0, 15'000), text.substr(15'000)}), expected);
}

TEST(DotWriter, AddsTheMissingLastLineEnd) {
    EXPECT_EQ(write_every_split("abc"), "abc\r\n.\r\n");
    EXPECT_EQ(write_every_split("abc\r"), "abc \r\n.\r\n");
    EXPECT_EQ(write_every_split(""), ".\r\n");
}

// Row 7: nothing but CRLF pairs leaves, whatever is stored.
TEST(DotWriter, OutboundHasOnlyCrlfPairs) {
    const std::string out = write_every_split("a\n.\r\nb\r.\rc\r\r\n.\n\r.\r\n");
    EXPECT_EQ(out, "a\r\n..\r\nb . c \r\n..\r\n .\r\n.\r\n");
    for (std::size_t i = 0; i < out.size(); ++i) {
        EXPECT_TRUE(out[i] != '\n' || out[i - 1] == '\r') << i;
        EXPECT_TRUE(out[i] != '\r' || out[i + 1] == '\n') << i;
    }
    EXPECT_EQ(out.find("\r\n.\r\n"), out.size() - 5);
}

TEST(DotWriter, LengthIsPredictable) {
    const std::string stored = "a\nb\r\nc\rd\n";
    EXPECT_EQ(write({stored}).size(), stored.size() + 2 + 3);
}

TEST(DotWriter, WrapsLongLines) {
    EXPECT_EQ(write_every_split("0123456789", 4), "0123\r\n 456\r\n 789\r\n.\r\n");
    EXPECT_EQ(write_every_split("0123\n.123\n", 4), "0123\r\n..123\r\n.\r\n");
    EXPECT_EQ(write_every_split(std::string(998, 'x') + "\r\n", 998), std::string(998, 'x') + "\r\n.\r\n");
}

TEST(Dot, WriterThenReaderGivesTheTextBack) {
    const std::string text = "From: a\r\n\r\n.\r\n..\r\n.x\r\nlast\r\n";
    const Outcome out = read_every_split(write({text}) + "NEXT");
    EXPECT_EQ(out, (Outcome{text, "NEXT", DataFault::none, true}));
}

} // namespace
} // namespace posada::proto
