// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/visible_text.h"

#include <gtest/gtest.h>

namespace posada::ftp {

TEST(VisibleText, IsTheSameInWhateverPiecesItComes) {
    const std::string text = "\xc3\xb1one\r\n\x1b[2Jtwo\n\nlast";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        VisibleText filter;
        std::string out = filter.convert(text.substr(0, cut));
        out += filter.convert(text.substr(cut));
        EXPECT_EQ(out + filter.finish(), "\xc3\xb1one\n\\x1b[2Jtwo\n\nlast") << cut;
    }
}

TEST(VisibleText, ALineWithoutEndIsNotHeldForever) {
    VisibleText filter;
    std::size_t shown = 0;
    for (int i = 0; i < 100; ++i) shown += filter.convert(std::string(10'000, 'x')).size();
    EXPECT_GT(shown, 900'000U);
}

} // namespace posada::ftp
