// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/ftp/control_line.h"

#include <gtest/gtest.h>

using namespace posada::proto::ftp;
using namespace std::string_literals;

TEST(ControlLine, TelnetIsTakenOut) {
    EXPECT_EQ(clean_control_line("NOOP"), "NOOP");
    EXPECT_EQ(clean_control_line("\xff\xf4\xff\xf2"
                                 "ABOR"),
              "ABOR");
    EXPECT_EQ(clean_control_line("\xff\xf4\xff"
                                 "ABOR"),
              "ABOR")
        << "the data mark came as urgent data";
    EXPECT_EQ(clean_control_line("\xff\xfd\x01NOOP\xff\xfb\x03"), "NOOP");
    EXPECT_EQ(clean_control_line("A\xff\xfa\x18 junk \xff\xf0"
                                 "B"),
              "AB");
    EXPECT_EQ(clean_control_line("A\xff\xfa never ends"), "A");
    EXPECT_EQ(clean_control_line("\xff"), "");
}

TEST(ControlLine, NamesAreBytes) {
    EXPECT_EQ(clean_control_line("DELE \xff\xff\xc3\xb1"), "DELE \xff\xc3\xb1");
    EXPECT_EQ(clean_control_line("DELE a\r\0b"s), "DELE a\rb");
    EXPECT_FALSE(clean_control_line("DELE a\rb"));
    EXPECT_FALSE(clean_control_line("DELE a\0b"s));
    EXPECT_FALSE(clean_control_line("NOOP\r"));
}

TEST(ControlLine, NothingForgesALineOnItsWayOut) {
    EXPECT_EQ(control_text("a\r\n226 b\x1b[2J\x7f"), "a??226 b?[2J?");
    EXPECT_EQ(control_text("\xff\xc3\xb1"), "\xff\xff\xc3\xb1");
}
