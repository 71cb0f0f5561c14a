// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/screen.h"

#include <gtest/gtest.h>

namespace posada::ftp {

TEST(Screen, TextStaysAsItIs) {
    EXPECT_EQ(visible("220 Servidor de daniel\t(ñandú)"), "220 Servidor de daniel\t(ñandú)");
}

TEST(Screen, NoControlOctetReachesTheTerminal) {
    EXPECT_EQ(visible("\x1b[2J"), "\\x1b[2J");
    EXPECT_EQ(visible("a\rb\nc\x7f"), "a\\x0db\\x0ac\\x7f");
    EXPECT_EQ(visible(std::string_view("\0", 1)), "\\x00");
}

TEST(Screen, NeitherDoesAC1ControlInEitherForm) {
    EXPECT_EQ(visible("\x9b"
                      "31m"),
              "\\x9b31m");
    EXPECT_EQ(visible("\xc2\x9b"
                      "31m"),
              "\\xc2\\x9b31m");
    EXPECT_EQ(visible("\xc2\xa0"), "\xc2\xa0"); // a blank that is not broken: no control
}

TEST(Screen, OctetsThatAreNoUtf8AreShownAsNumbers) {
    EXPECT_EQ(visible("\xf1"
                      "and\xfa"),
              "\\xf1and\\xfa");
}

} // namespace posada::ftp
