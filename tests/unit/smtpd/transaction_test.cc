// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/transaction.h"

#include <gtest/gtest.h>

#include "smtpd/received.h"

namespace posada::smtpd {
namespace {

TEST(Parameters, NamesAndValues) {
    const auto out = parse_parameters(" SIZE=100  body=8BITMIME X");
    ASSERT_TRUE(out);
    ASSERT_EQ(out->size(), 3U);
    EXPECT_EQ(out->at(0).name, "SIZE");
    EXPECT_EQ(out->at(0).value, "100");
    EXPECT_EQ(out->at(2).value, std::nullopt);
    EXPECT_TRUE(parse_parameters("")->empty());
}

TEST(Parameters, Malformed) {
    for (const char* bad : {"=", "=x", "A=", "A==", "A=b=c", "A=b A=c", "A=b a", "-A=b", "A_=b", "A=\"b c\"", "A=\x01"})
        EXPECT_FALSE(parse_parameters(bad)) << bad;
}

TEST(Xtext, DecodesAndRefusesControls) {
    EXPECT_EQ(decode_xtext("a+2Bb+3Dc"), "a+b=c");
    EXPECT_EQ(decode_xtext("<>"), "<>");
    for (const char* bad : {"+", "+2", "+2b", "+0A", "a+0Db", "+7F", "+GG", "+00"})
        EXPECT_FALSE(decode_xtext(bad)) << bad;
}

ContentScanner scan(const std::string& text, std::size_t piece) {
    ContentScanner scanner;
    for (std::size_t at = 0; at < text.size(); at += piece) scanner.write(std::string_view(text).substr(at, piece));
    return scanner;
}

TEST(ContentScanner, CountsHopsInTheHeaderOnly) {
    const std::string header =
        "Received: a\r\n\tb\r\nX-Received: c\r\nreceived:d\r\nReceivedx: e\r\n Received: f\r\n\r\n";
    const std::string text = header + "Received: body\r\n";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        const ContentScanner scanner = scan(text, piece);
        EXPECT_EQ(scanner.received_fields(), 2U);
        EXPECT_EQ(scanner.header_size(), header.size());
        EXPECT_FALSE(scanner.eight_bit());
    }
}

TEST(ContentScanner, AMessageMayHaveNoHeader) {
    for (const std::string& first : {std::string("Hola\r\n"), std::string("two words: x\r\n"), std::string(" x\r\n"),
                                     std::string(": x\r\n"), std::string("\r\n"), std::string("\rx\r\n")}) {
        const std::string text = first + "Received: x\r\n" + std::string(5000, 'x');
        for (const std::size_t piece : {1U, 2U, 5U, 6000U}) {
            const ContentScanner scanner = scan(text, piece);
            EXPECT_EQ(scanner.received_fields(), 0U) << first;
            EXPECT_LE(scanner.header_size(), first.size()) << first;
        }
    }
}

TEST(ContentScanner, ALineThatIsNoFieldEndsTheHeader) {
    const ContentScanner scanner = scan("Received: a\r\nHola y adios\r\nReceived: b\r\n" + std::string(9000, 'x'), 7);
    EXPECT_EQ(scanner.received_fields(), 1U);
    EXPECT_LT(scanner.header_size(), 30U);
}

TEST(ContentScanner, SeesEightBitAnywhere) {
    for (std::size_t at = 0; at < 40; ++at) {
        std::string text(40, 'x');
        text[at] = static_cast<char>(0xc3);
        EXPECT_TRUE(scan(text, 40).eight_bit());
        EXPECT_TRUE(scan(text, 7).eight_bit());
    }
}

TEST(Received, NamesTheProtocolByRfc3848) {
    Trace trace;
    trace.helo = "[192.0.2.7]";
    trace.peer_literal = "[192.0.2.7]";
    trace.host = "mx.micasa.test";
    trace.id = "1.1";
    EXPECT_NE(received_field(trace, 0).find("with SMTP id 1.1;"), std::string::npos);
    trace.extended = true;
    trace.tls = "TLSv1.3 X";
    EXPECT_NE(received_field(trace, 0).find("by mx.micasa.test (TLSv1.3 X)\r\n\twith ESMTPS id"), std::string::npos);
    trace.authenticated = true;
    EXPECT_NE(received_field(trace, 0).find("with ESMTPSA id"), std::string::npos);
}

} // namespace
} // namespace posada::smtpd
