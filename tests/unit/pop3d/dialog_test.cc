// SPDX-License-Identifier: BSD-2-Clause
// tests/dialog/pop3/*.dlg against the pure session, the client's bytes cut in every way.
#include "tests/support/dialog.h"

#include <gtest/gtest.h>

#include "tests/unit/pop3d/pure_server.h"

using namespace posada;
using namespace posada::pop3d;
using namespace posada::pop3d::testing;

namespace {

std::string play_once(const test::Dialog& dialog, test::Split split) {
    PureServer server(Peer{true, !dialog.needs("never")});
    for (const std::string& word : dialog.server)
        if (word.starts_with("mailbox:")) server.mailbox = test::make_mailbox(word.substr(8));
    server.greet(dialog.implicit_tls);
    return test::play(dialog, server, split);
}

} // namespace

TEST(Pop3Dialogs, EachAtEverySplit) {
    const auto dialogs = test::load_dialogs("tests/dialog/pop3");
    ASSERT_TRUE(dialogs.ok()) << dialogs.error().describe();
    ASSERT_GE(dialogs->size(), 15U);
    for (const test::Dialog& dialog : *dialogs) {
        const std::size_t most = dialog.file.ends_with("course.dlg") ? 2 : 40; // its mailbox is 35 MB
        for (std::size_t piece = 0; piece < most; ++piece)
            EXPECT_EQ(play_once(dialog, {piece}), "") << "in pieces of " << piece;
    }
}
