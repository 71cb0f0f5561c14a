// SPDX-License-Identifier: BSD-2-Clause
// tests/dialog/ftp/*.dlg against the pure session, the client's bytes cut in every way.
#include "tests/support/dialog.h"

#include <gtest/gtest.h>

#include "tests/unit/ftpd/pure_server.h"

using namespace posada;
using namespace posada::ftpd;

TEST(FtpDialogs, EachAtEverySplit) {
    const auto dialogs = test::load_dialogs("tests/dialog/ftp");
    ASSERT_TRUE(dialogs.ok()) << dialogs.error().describe();
    ASSERT_GE(dialogs->size(), 15U);
    for (const test::Dialog& dialog : *dialogs)
        for (std::size_t piece = 0; piece < 40; ++piece) {
            ftpd::testing::PureServer server(!dialog.needs("never"));
            server.greet(dialog.implicit_tls);
            EXPECT_EQ(test::play(dialog, server, {piece}), "") << "in pieces of " << piece;
        }
}
