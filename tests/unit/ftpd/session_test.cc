// SPDX-License-Identifier: BSD-2-Clause
// The dialog, without a network: replies, effects, and what waits for what.
#include "ftpd/session.h"

#include <gtest/gtest.h>

using namespace posada;
using namespace posada::ftpd;

namespace {

class FtpSession : public testing::Test {
  protected:
    FtpSession() : session(policy) {
        policy.hostname = "mail.micasa.test";
        session.set_peer({.tls_available = true, .plaintext_auth = true, .ip = "192.0.2.7", .passive_ip = "192.0.2.1"});
    }
    // Everything that was said since, and the other effects kept.
    std::string heard() {
        std::string out;
        for (Effect& effect : session.take_effects()) {
            if (auto* reply = std::get_if<SendReply>(&effect))
                out += reply->bytes;
            else
                effects.push_back(std::move(effect));
        }
        return out;
    }
    std::string say(std::string_view line) {
        session.consume(std::string(line) + "\r\n");
        return heard();
    }
    std::string code(std::string_view line) { return say(line).substr(0, 3); }
    void log_in() {
        say("USER daniel");
        say("PASS hungry");
        session.login_accepted("daniel");
        EXPECT_EQ(heard(), "230 User daniel logged in.\r\n");
        effects.clear();
    }
    void passive() {
        EXPECT_EQ(say("PASV"), "");
        session.listening(51210);
        EXPECT_EQ(heard(), "227 Entering Passive Mode (192,0,2,1,200,10).\r\n");
        effects.clear();
    }
    template <class T>
    const T* last() {
        return effects.empty() ? nullptr : std::get_if<T>(&effects.back());
    }

    Policy policy;
    Session session;
    std::vector<Effect> effects;
};

} // namespace

TEST_F(FtpSession, GreetsAndLogsIn) {
    session.greet();
    EXPECT_EQ(heard(), "220 mail.micasa.test posada FTP server ready.\r\n");
    EXPECT_EQ(say("user daniel"), "331 Password required for daniel.\r\n");
    EXPECT_EQ(say("pass  hun gry "), "");
    ASSERT_NE(last<CheckPassword>(), nullptr);
    EXPECT_EQ(last<CheckPassword>()->password.view(), " hun gry ");
    EXPECT_TRUE(session.waiting());
}

TEST_F(FtpSession, NoPasswordInPlainTextWhereItIsForbidden) {
    session.set_peer({.tls_available = true});
    EXPECT_EQ(code("USER daniel"), "530");
    EXPECT_EQ(code("PASS hungry"), "503");
    EXPECT_TRUE(effects.empty());
}

TEST_F(FtpSession, EachRefusalHasItsCode) {
    EXPECT_EQ(code("LIST"), "530");
    EXPECT_EQ(code("NONSENSE"), "500");
    EXPECT_EQ(code("USER"), "501");
    EXPECT_EQ(code("PBSZ 0"), "503");
    log_in();
    EXPECT_EQ(code("USER lir"), "530");
    EXPECT_EQ(code("STRU R"), "504");
    EXPECT_EQ(code("MODE Z"), "504");
    EXPECT_EQ(code("TYPE E"), "504");
    EXPECT_EQ(code("TYPE L 8"), "200");
    EXPECT_EQ(code("TYPE a n"), "200");
    EXPECT_EQ(code("REIN"), "502");
    EXPECT_EQ(code("CCC"), "533");
    EXPECT_EQ(code("RNTO x"), "503");
    EXPECT_EQ(code("RETR x"), "425");
    EXPECT_EQ(code("QUIT now"), "501");
    EXPECT_EQ(say(""), "");
}

TEST_F(FtpSession, TlsForgetsWhatWasSaidBefore) {
    say("USER daniel");
    EXPECT_EQ(code("AUTH SSL"), "234");
    session.tls_started();
    EXPECT_EQ(code("PASS hungry"), "503");
    EXPECT_EQ(code("PROT P"), "503");
    EXPECT_EQ(code("PBSZ 0"), "200");
    EXPECT_EQ(code("PROT S"), "536");
    EXPECT_EQ(code("PROT P"), "200");
    EXPECT_EQ(code("CCC"), "534");
}

TEST_F(FtpSession, AFileIsRetrieved) {
    log_in();
    say("TYPE I");
    passive();
    EXPECT_EQ(say("RETR tesis/a.fig"), "");
    ASSERT_NE(last<OpenFile>(), nullptr);
    EXPECT_EQ(last<OpenFile>()->path, "/tesis/a.fig");
    session.file_opened({.size = 4187});
    EXPECT_EQ(heard(), "150 Opening BINARY mode data connection for /tesis/a.fig (4187 bytes).\r\n");
    ASSERT_NE(last<Transfer>(), nullptr);
    EXPECT_FALSE(last<Transfer>()->ascii);
    session.transfer_ended(TransferEnd::complete, 4187);
    EXPECT_EQ(heard(), "226 Transfer complete.\r\n");
    EXPECT_EQ(say("QUIT"), "221-You have transferred 4187 bytes in 1 file.\r\n"
                           "221-Total traffic for this session was 4187 bytes.\r\n"
                           "221-Thank you for using the FTP server at mail.micasa.test.\r\n221 Goodbye.\r\n");
}

// Only ABOR, STAT and NOOP are for a transfer that runs; the rest keeps its order behind it.
TEST_F(FtpSession, WhatComesDuringATransferWaits) {
    log_in();
    passive();
    say("LIST");
    session.file_opened({.data_is_connected = true});
    EXPECT_EQ(heard().substr(0, 4), "125 ");
    EXPECT_EQ(code("NOOP"), "200");
    EXPECT_EQ(say("PWD\r\nSYST"), "");
    EXPECT_TRUE(session.waiting());
    session.transfer_ended(TransferEnd::complete, 10);
    EXPECT_EQ(heard(), "226 Transfer complete.\r\n257 \"/\" is the current directory.\r\n");
}

TEST_F(FtpSession, AborHasTwoReplies) {
    log_in();
    passive();
    say("STOR a");
    session.file_opened({});
    heard();
    EXPECT_EQ(say("\xff\xf4\xff\xf2"
                  "ABOR"),
              "");
    ASSERT_NE(last<AbortTransfer>(), nullptr);
    session.transfer_ended(TransferEnd::aborted, 5);
    EXPECT_EQ(heard(), "426 Transfer aborted.\r\n226 ABOR command successful.\r\n");
    EXPECT_EQ(code("ABOR"), "226");
}

// R2: LIST after a PORT that was refused must not go where an earlier one pointed.
TEST_F(FtpSession, ARefusedPortVoidsTheOneBefore) {
    log_in();
    say("PORT 192,0,2,7,200,10");
    ASSERT_NE(last<UseDataPort>(), nullptr);
    session.port_taken();
    EXPECT_EQ(heard(), "200 PORT command successful.\r\n");
    EXPECT_EQ(code("PORT 192,0,2,7,0,25"), "504");
    EXPECT_EQ(code("LIST"), "425");
}

// R33: what was opened is what is sent, whatever is said before the data connection is there.
TEST_F(FtpSession, ATransferKeepsItsFile) {
    log_in();
    passive();
    say("RETR good");
    session.file_opened({.size = 1});
    heard();
    EXPECT_EQ(say("CWD /other"), "");
    EXPECT_EQ(last<EnterDirectory>(), nullptr);
}

TEST_F(FtpSession, OffsetsAreForOneTransferAndForBinary) {
    log_in();
    EXPECT_EQ(code("REST 9223372036854775808"), "501");
    EXPECT_EQ(code("REST -1"), "501");
    EXPECT_EQ(code("REST 5"), "350");
    passive();
    EXPECT_EQ(code("RETR a"), "554") << "TYPE A";
    say("TYPE I");
    say("REST 5");
    passive();
    say("RETR a");
    ASSERT_NE(last<OpenFile>(), nullptr);
    EXPECT_EQ(last<OpenFile>()->offset, 5U);
    session.refused(Errc::not_found);
    EXPECT_EQ(heard().substr(0, 4), "550 ");
    passive();
    say("RETR a");
    EXPECT_EQ(last<OpenFile>()->offset, 0U);
}

TEST_F(FtpSession, ReadOnlyChangesNothing) {
    policy.write = false;
    log_in();
    for (const char* line : {"DELE a", "MKD a", "RMD a", "SITE CHMOD 600 a", "MFMT 20260101000000 a"})
        EXPECT_EQ(code(line), "550") << line;
    passive();
    EXPECT_EQ(code("STOR a"), "550");
}

TEST_F(FtpSession, FeaturesFollowTheTable) {
    const std::string features = say("FEAT");
    for (const char* line :
         {" AUTH TLS\r\n", " REST STREAM\r\n", " MLST Type*;", " UTF8\r\n", " TVFS\r\n", " MFMT\r\n"})
        EXPECT_NE(features.find(line), std::string::npos) << line;
    session.set_peer({});
    EXPECT_EQ(say("FEAT").find("AUTH"), std::string::npos);
}

TEST_F(FtpSession, TooManyRefusedCommandsEndIt) {
    policy.max_bad_commands_login = 3;
    EXPECT_EQ(code("A"), "500");
    EXPECT_EQ(code("B"), "500");
    EXPECT_NE(say("C").find("421 "), std::string::npos);
    EXPECT_TRUE(session.closed());
}

// R10: the tail of a line that is too long is no command.
TEST_F(FtpSession, ALongLineEndsIt) {
    const std::string line = std::string(2 * max_command_line, 'A') + "\nUSER x\r\n";
    EXPECT_EQ(session.consume(line), line.size());
    EXPECT_EQ(heard().substr(0, 4), "500 ");
    EXPECT_TRUE(session.closed());
}

// Any split of the bytes gives the same dialog.
TEST_F(FtpSession, EverySplitIsTheSame) {
    const std::string input = "FEAT\r\nUSER daniel\r\nHELP RETR\r\nPWD\r\n\r\nSYST\n";
    session.consume(input);
    const std::string whole = heard();
    for (std::size_t piece = 1; piece < input.size(); ++piece) {
        Session other(policy);
        other.set_peer({.tls_available = true, .plaintext_auth = true});
        std::string out;
        for (std::size_t at = 0; at < input.size(); at += piece) {
            other.consume(std::string_view(input).substr(at, piece));
            for (Effect& effect : other.take_effects())
                if (auto* reply = std::get_if<SendReply>(&effect)) out += reply->bytes;
        }
        EXPECT_EQ(out, whole) << "in pieces of " << piece;
    }
}
