// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/mbox.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace posada;
using namespace posada::store;

namespace {

const std::string from = "From a@b Mon Nov 23 01:44:05 2026\n";

struct Mail {
    FromLine from;
    std::string content;
    MboxStatus status;
};

class Collector final : public MboxSink {
  public:
    void begin(const FromLine& line) override { mails.push_back({line, "", {}}); }
    void content(std::string_view bytes) override { mails.back().content += bytes; }
    void end(const MboxStatus& status) override { mails.back().status = status; }
    std::vector<Mail> mails;
};

std::vector<Mail> read(const std::string& text, MboxQuoting quoting = MboxQuoting::mboxrd, bool probe = true) {
    Collector sink;
    const auto look = [&](std::uint64_t at) -> std::optional<std::string> {
        if (at > text.size()) return std::nullopt;
        return text.substr(at, max_from_line);
    };
    MboxReader reader(sink, quoting, probe ? MboxReader::Probe(look) : nullptr);
    EXPECT_TRUE(reader.feed(text).ok());
    EXPECT_TRUE(reader.finish().ok());
    return sink.mails;
}

std::string only(const std::string& text, MboxQuoting quoting = MboxQuoting::mboxrd, bool probe = true) {
    const auto mails = read(text, quoting, probe);
    EXPECT_EQ(mails.size(), 1U);
    return mails.empty() ? "" : mails[0].content;
}

} // namespace

TEST(MboxFrom, TheUsualFormsOfTheDate) {
    const auto line = parse_from_line("From daniel@micasa.test Mon Nov 23 01:44:05 2026");
    ASSERT_TRUE(line.has_value());
    EXPECT_EQ(line->sender, "daniel@micasa.test");
    EXPECT_EQ(line->local_time, 1795398245);
    EXPECT_FALSE(line->utc_offset.has_value());
    EXPECT_EQ(parse_from_line("From a  Thu Jan  1 00:00:00 1970")->local_time, 0);
    EXPECT_EQ(parse_from_line("From a Thu Jan 1 00:01 1970")->local_time, 60);
    EXPECT_EQ(parse_from_line("From a Thu Jan 1 00:00:00 1970 +0230")->utc_offset, 9000);
    EXPECT_EQ(parse_from_line("From a Thu Jan 1 00:00:00 -0100 1970")->utc_offset, -3600);
    EXPECT_EQ(parse_from_line("From a Thu Jan 1 00:00:00 GMT 1970")->utc_offset, 0);
    EXPECT_FALSE(parse_from_line("From a Thu Jan 1 00:00:00 MET DST 1970")->utc_offset.has_value());
    EXPECT_EQ(parse_from_line("From uucp Thu Jan 1 00:00:00 1970 remote from host")->sender, "uucp");
    EXPECT_EQ(parse_from_line("From \"a b\"@c Thu Jan 1 00:00:00 1970")->sender, "\"a b\"@c");
    EXPECT_EQ(parse_from_line("From Mon Thu Jan 1 00:00:00 1970")->sender, "Mon");
    EXPECT_EQ(parse_from_line("From Thu Jan 1 00:00:00 1970")->sender, "");
}

TEST(MboxFrom, ASentenceIsNoMessageAndEveryNumberHasItsBounds) {
    for (const char* text : {"From the start of a line",
                             "From ",
                             "From",
                             "from a Thu Jan 1 00:00:00 1970",
                             ">From a Thu Jan 1 00:00:00 1970",
                             "From a Thu Jan 0 00:00:00 1970",
                             "From a Thu Jan 32 00:00:00 1970",
                             "From a Thu Feb 30 00:00:00 1970",
                             "From a Thu Jan 1 24:00:00 1970",
                             "From a Thu Jan 1 00:60:00 1970",
                             "From a Thu Jan 1 00:00:61 1970",
                             "From a Thu Jan 1 00:00:00 1969",
                             "From a Thu Jan 1 00:00:00 19700",
                             "From a Thu Jan 1 00:00:00",
                             "From a Thu Jan 1 1970",
                             "From a Thu Jux 1 00:00:00 1970",
                             "From a Thu Jan -1 00:00:00 1970",
                             "From a Thu Jan 1 00:00:00 1970 and so on",
                             "From a Thu Jan 1 0:0:0:0 1970",
                             "From a\tThu Jan 1 00:00:00 1970"})
        EXPECT_FALSE(parse_from_line(text).has_value()) << text;
    const std::string tail = " Thu Jan 1 00:00:00 1970";
    EXPECT_TRUE(parse_from_line("From " + std::string(max_from_line - 5 - tail.size(), 'a') + tail));
    EXPECT_FALSE(parse_from_line("From " + std::string(max_from_line - 4 - tail.size(), 'a') + tail));
}

TEST(Mbox, TheEmptyLineBetweenMessagesBelongsToNeither) {
    const auto mails = read(from + "a: b\n\none\n\n\n" + from + "c: d\n\ntwo\n\n");
    ASSERT_EQ(mails.size(), 2U);
    EXPECT_EQ(mails[0].content, "a: b\n\none\n\n");
    EXPECT_EQ(mails[1].content, "c: d\n\ntwo\n");
    EXPECT_EQ(mails[1].from.sender, "a@b");
}

TEST(Mbox, AnyPiecesGiveTheSameMessages) {
    const std::string text = from + "a: b\nStatus: RO\n c\n\n>From x\n>>From y\n\n" + from + "\n\n\nFrom what\n";
    const auto whole = read(text);
    for (std::size_t piece = 1; piece < 60; ++piece) {
        Collector sink;
        MboxReader reader(sink);
        for (std::size_t at = 0; at < text.size(); at += piece) ASSERT_TRUE(reader.feed(text.substr(at, piece)).ok());
        ASSERT_TRUE(reader.finish().ok());
        ASSERT_EQ(sink.mails.size(), whole.size());
        for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(sink.mails[i].content, whole[i].content) << piece;
    }
}

TEST(Mbox, AMissingFinalNewlineIsNotInvented) {
    EXPECT_EQ(only(from + "a: b\n\nno end"), "a: b\n\nno end");
    EXPECT_EQ(only(from + "a: b"), "a: b");
    EXPECT_EQ(only(from), "");
    EXPECT_EQ(only(from.substr(0, from.size() - 1)), "");
}

TEST(Mbox, ABlankLineBehindTheHeaderIsKept) {
    EXPECT_EQ(only(from + "a: b\n\n"), "a: b\n\n");
    EXPECT_EQ(only(from + "a: b\n\n\n"), "a: b\n\n");
}

TEST(Mbox, QuotingIsUndoneAsTheWriterMadeIt) {
    const std::string body = "a: b\n\n>From x\n>>From y\n>Fro\n>";
    EXPECT_EQ(only(from + body, MboxQuoting::mboxrd), "a: b\n\nFrom x\n>From y\n>Fro\n>");
    EXPECT_EQ(only(from + body, MboxQuoting::mboxo), "a: b\n\nFrom x\n>>From y\n>Fro\n>");
    EXPECT_EQ(only(from + body, MboxQuoting::none), body);
    EXPECT_EQ(only(from + ">From q Thu Jan  1 00:00:00 1970\na: b\n\n"), ">From q Thu Jan  1 00:00:00 1970\na: b\n\n");
}

TEST(Mbox, CrlfFilesGiveLinesThatEndInLf) {
    const auto mails =
        read("From a@b Mon Nov 23 01:44:05 2026\r\na: b\r\n\r\n\rx\r\r\ny\r\n\r\n" + from + "c: d\r\n\r\n");
    ASSERT_EQ(mails.size(), 2U);
    EXPECT_EQ(mails[0].content, "a: b\n\n\rx\r\ny\n");
    EXPECT_EQ(mails[1].content, "c: d\r\n\r\n"); // its From_ line ended in LF
}

TEST(Mbox, ContentLengthIsBelievedOnlyWhereAMessageStartsBehindIt) {
    const std::string inside = from + "not a message\n>From x\n";
    const std::string right = from + "Content-Length: " + std::to_string(inside.size()) + "\n\n" + inside;
    for (const std::string& behind : {std::string(), "\n" + from + "\n", from + "\n", std::string("\n")}) {
        const auto mails = read(right + behind);
        ASSERT_FALSE(mails.empty());
        EXPECT_EQ(mails[0].content, "\n" + inside);
        EXPECT_EQ(mails.size(), behind.find("From") == std::string::npos ? 1U : 2U);
    }
    EXPECT_EQ(read(right, MboxQuoting::mboxrd, false).size(), 2U);
    EXPECT_EQ(read(right + "more\n").size(), 2U);
    for (const char* lie : {"1", "18446744073709551615", "99999999999999999999", "-1", "x", "", "1000000"}) {
        const auto mails = read(from + "Content-Length: " + lie + "\n\nbody\n\n" + from + "\nnext\n");
        ASSERT_EQ(mails.size(), 2U) << lie;
        EXPECT_EQ(mails[0].content, "\nbody\n");
    }
}

TEST(Mbox, AnEmptyLineThatTheLengthCountsIsTheMails) {
    const auto mails = read(from + "Content-Length: 5\n\nabc\n\n" + from + "\n");
    ASSERT_EQ(mails.size(), 2U);
    EXPECT_EQ(mails[0].content, "\nabc\n\n");
}

TEST(Mbox, StatusFieldsAreReadAndLeftOut) {
    const auto mails =
        read(from + "Status: RO\nSubject: x\nX-UID: 7\nx-status: AFDT\nX-UIDL: \n abc\nX-Keywords: one two\n"
                    "\tthree\nX-IMAPbase: 1 2 one\nContent-Length: 3\nStatuses: stay\n\nbody\nStatus: too\n");
    ASSERT_EQ(mails.size(), 1U);
    EXPECT_EQ(mails[0].content, "Subject: x\nStatuses: stay\n\nbody\nStatus: too\n");
    EXPECT_EQ(mails[0].status.flags, "DFRST");
    EXPECT_TRUE(mails[0].status.seen_before);
    EXPECT_EQ(mails[0].status.uidl, "abc");
    EXPECT_EQ(mails[0].status.keywords, (std::vector<std::string>{"one", "two", "three"}));
}

TEST(Mbox, WithoutStatusAMessageIsNew) {
    const auto mails = read(from + "X-UIDL: two words\n\n");
    EXPECT_EQ(mails[0].status.flags, "");
    EXPECT_FALSE(mails[0].status.seen_before);
    EXPECT_EQ(mails[0].status.uidl, "");
}

TEST(Mbox, TheNotesOfUwImapdAreNoMailButOnlyAsTheFirstEntry) {
    const std::string notes = "From MAILER-DAEMON Fri Jul  8 12:08:34 2011\nX-IMAP: 1310119714 0000000012\n\nx\n\n";
    auto mails = read(notes + notes);
    ASSERT_EQ(mails.size(), 2U);
    EXPECT_TRUE(mails[0].status.internal);
    EXPECT_FALSE(mails[1].status.internal);
    mails = read(from + "X-IMAP: 1310119714 0000000012\n\nx\n\n");
    EXPECT_FALSE(mails[0].status.internal);
}

TEST(Mbox, WhatDoesNotBeginWithAMessageIsRefused) {
    Collector sink;
    for (const std::string& text :
         {std::string("Subject: x\n\n"), std::string("\n\nFrom here\n"), std::string("\r"), std::string(5000, 'x')}) {
        MboxReader reader(sink);
        Status fed = reader.feed(text);
        if (fed) fed = reader.finish();
        ASSERT_FALSE(fed.ok());
        EXPECT_EQ(fed.error().code, Errc::invalid);
    }
    EXPECT_TRUE(sink.mails.empty());
    EXPECT_TRUE(read("").empty());
    EXPECT_EQ(read("\n\n" + from).size(), 1U);
}

TEST(Mbox, AFieldOfAnyLengthCostsAFixedAmountOfMemory) {
    std::string text = from + "X-Keywords: ";
    for (int i = 0; i < 100'000; ++i) text += "k" + std::to_string(i) + (i % 7 == 0 ? "\n " : " ");
    const auto mails = read(text + "\n\nbody\n");
    ASSERT_EQ(mails.size(), 1U);
    EXPECT_EQ(mails[0].content, "\nbody\n");
    std::size_t octets = 0;
    for (const std::string& keyword : mails[0].status.keywords) octets += keyword.size();
    EXPECT_LE(octets, max_status_field + max_from_line + 2);
}
