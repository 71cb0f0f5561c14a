// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/message_measure.h"

#include <gtest/gtest.h>

#include <string>

using posada::store::MessageMeasure;

static MessageMeasure measure(std::string_view text, std::size_t step = std::string_view::npos) {
    MessageMeasure m;
    while (!text.empty()) {
        m.add(text.substr(0, step));
        text.remove_prefix(std::min(step, text.size()));
    }
    return m;
}

TEST(MessageMeasure, EveryLineEndCountsAsTwo) {
    EXPECT_EQ(measure("a: b\n\nc\n").sent(), 11U);
    EXPECT_EQ(measure("a: b\r\n\r\nc\r\n").sent(), 11U);
    EXPECT_EQ(measure("a: b\r\n\nc\n").sent(), 11U);
    EXPECT_EQ(measure("a: b\n\nc").sent(), 11U) << "an unfinished last line is ended";
}

TEST(MessageMeasure, ACarriageReturnWithinALineIsOneOctet) {
    EXPECT_EQ(measure("a\rb\n\n").with_crlf(), 7U);
    EXPECT_EQ(measure("\n\r").with_crlf(), 5U);
}

bool ends(const MessageMeasure& header) { return header.sent() == header.with_crlf(); }

TEST(MessageMeasure, AMissingBlankLineIsNoticed) {
    EXPECT_FALSE(ends(measure("Subject: x\n")));
    EXPECT_EQ(measure("Subject: x\n").sent(), 14U);
    EXPECT_EQ(measure("Subject: x").sent(), 14U);
    EXPECT_EQ(measure("").sent(), 2U);
    EXPECT_TRUE(ends(measure("\nbody")));
    EXPECT_TRUE(ends(measure("\r\nbody")));
    EXPECT_FALSE(ends(measure("a\r\rb\nc\n")));
}

TEST(MessageMeasure, AnySplitGivesTheSame) {
    const std::string text = "From: a\r\nTo: b\n\r\n.\r\n\r\rx\n\n.y";
    for (std::size_t step = 1; step <= text.size(); ++step) {
        EXPECT_EQ(measure(text, step).sent(), measure(text).sent()) << step;
        EXPECT_EQ(measure(text, step).with_crlf(), measure(text).with_crlf()) << step;
    }
}
