// SPDX-License-Identifier: BSD-2-Clause
// tests/dialog/smtp/*.dlg against the pure session, the client's bytes cut in every way.
#include "tests/support/dialog.h"

#include "tests/unit/smtpd/session_fixture.h"

namespace posada::smtpd::test {
namespace {

using posada::test::Dialog;

std::string play_once(const Dialog& dialog, posada::test::Split split) {
    Peer peer = dialog.needs("auth") ? submission_peer() : default_peer();
    peer.may_relay = dialog.needs("relay") && !peer.auth;
    Policy policy = default_policy();
    if (dialog.needs("postmaster")) policy.postmaster = "daniel";
    SmtpServer server(policy, peer, dialog.implicit_tls);
    return posada::test::play(dialog, server, split);
}

TEST(SmtpDialogs, EachAtEverySplit) {
    const auto dialogs = posada::test::load_dialogs("tests/dialog/smtp");
    ASSERT_TRUE(dialogs.ok()) << dialogs.error().describe();
    ASSERT_GE(dialogs->size(), 12U);
    for (const Dialog& dialog : *dialogs)
        for (std::size_t piece = 0; piece < 80; ++piece)
            EXPECT_EQ(play_once(dialog, {piece}), "") << "in pieces of " << piece;
}

TEST(DialogPlayer, SeesWhatIsWrong) {
    const auto play_text = [](const std::string& text) {
        const auto dialog = posada::test::parse_dialog("# t\n# rfc: x\n" + text, "t.dlg");
        return dialog ? play_once(*dialog, {}) : dialog.error().describe();
    };
    EXPECT_EQ(play_text("s> 220 *\nc> QUIT\ns> 221 *\n@close\n"), "");
    EXPECT_NE(play_text("s> 221 *\n"), "");
    EXPECT_NE(play_text("s> 220 *\ns> 250 *\n"), "");
    EXPECT_NE(play_text("s> 220 *\n@close\n"), "");
    EXPECT_NE(play_text("s> 220 *\nc> NOOP\n"), "");
    EXPECT_NE(play_text("@magic\n"), "");
    EXPECT_NE(play_text("hello\n"), "");
}

TEST(DialogPlayer, GlobMatchesAnyText) {
    EXPECT_TRUE(posada::test::glob_match("250 *ok", "250 is ok"));
    EXPECT_TRUE(posada::test::glob_match("*", ""));
    EXPECT_FALSE(posada::test::glob_match("250 *ok", "250 is ok."));
    EXPECT_FALSE(posada::test::glob_match("250", "2500"));
}

} // namespace
} // namespace posada::smtpd::test
