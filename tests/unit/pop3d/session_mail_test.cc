// SPDX-License-Identifier: BSD-2-Clause
// The TRANSACTION state (RFC 1939 §5), and when a deletion happens.
#include <gtest/gtest.h>

#include "tests/unit/pop3d/pure_server.h"

using namespace posada;
using namespace posada::pop3d;
using namespace posada::pop3d::testing;

namespace {

struct Server : PureServer {
    explicit Server(std::vector<std::string> messages = {"a: 1\r\n\r\none\r\n", "a: 2\r\n\r\n.two\r\n",
                                                         "a: 3\n\nthree\n"}) {
        mailbox = std::move(messages);
        login();
        EXPECT_TRUE(session().logged_in());
    }
};

} // namespace

TEST(Pop3Mail, StatListAndUidlAgree) {
    Server server;
    EXPECT_EQ(server.say("STAT"), "+OK 3 42\r\n");
    EXPECT_EQ(server.say("LIST"), "+OK 3 messages (42 octets)\r\n1 13\r\n2 14\r\n3 15\r\n.\r\n");
    EXPECT_EQ(server.say("LIST 2"), "+OK 2 14\r\n");
    EXPECT_EQ(server.say("UIDL 1"), "+OK 1 000000016553f100\r\n");
    EXPECT_EQ(server.say("UIDL"), "+OK 3 messages (42 octets)\r\n1 000000016553f100\r\n"
                                  "2 000000026553f100\r\n3 000000036553f100\r\n.\r\n");
}

TEST(Pop3Mail, RetrSendsTheOctetsItSays) {
    Server server;
    EXPECT_EQ(server.say("RETR 1"), "+OK 13 octets\r\na: 1\r\n\r\none\r\n.\r\n");
    EXPECT_EQ(server.say("RETR 2"), "+OK 14 octets\r\na: 2\r\n\r\n..two\r\n.\r\n");
    EXPECT_EQ(server.say("RETR 3"), "+OK 15 octets\r\na: 3\r\n\r\nthree\r\n.\r\n");
}

TEST(Pop3Mail, Top) {
    Server server;
    EXPECT_EQ(server.say("TOP 1 0"), "+OK top of message follows\r\na: 1\r\n\r\n.\r\n");
    EXPECT_EQ(server.say("TOP 1 1"), "+OK top of message follows\r\na: 1\r\n\r\none\r\n.\r\n");
    EXPECT_EQ(server.say("TOP 1 99999999"), "+OK top of message follows\r\na: 1\r\n\r\none\r\n.\r\n");
    EXPECT_EQ(server.say("TOP 1 18446744073709551615"), server.say("TOP 1 99999999"));
}

TEST(Pop3Mail, ArgumentsThatAreNoNumbersAreRefused) {
    for (const char* line :
         {"RETR", "RETR x", "RETR -1", "RETR 1 2", "RETR 99999999999999999999", "TOP 1", "TOP", "TOP 1 -1", "TOP x 1",
          "TOP 1 2 3", "DELE", "DELE 1x", "LIST x", "UIDL x", "STAT x", "NOOP x", "RSET x"}) {
        Server server;
        EXPECT_TRUE(server.say(line).starts_with("-ERR ")) << line;
        EXPECT_EQ(server.say("STAT"), "+OK 3 42\r\n");
    }
}

TEST(Pop3Mail, NumbersOutsideTheMailboxDoNotExist) {
    Server server;
    for (const char* line :
         {"RETR 0", "RETR 4", "LIST 4", "UIDL 0", "TOP 4 1", "DELE 4", "RETR 18446744073709551615", "DELE 4294967297"})
        EXPECT_EQ(server.say(line), "-ERR no such message\r\n") << line;
}

TEST(Pop3Mail, ADeletedMessageIsGoneFromEveryAnswerAndNumbersStay) {
    Server server;
    EXPECT_TRUE(server.say("DELE 1").starts_with("+OK"));
    EXPECT_EQ(server.say("STAT"), "+OK 2 29\r\n");
    EXPECT_EQ(server.say("LIST"), "+OK 2 messages (29 octets)\r\n2 14\r\n3 15\r\n.\r\n");
    EXPECT_EQ(server.say("UIDL"), "+OK 2 messages (29 octets)\r\n2 000000026553f100\r\n"
                                  "3 000000036553f100\r\n.\r\n");
    for (const char* line : {"RETR 1", "TOP 1 0", "LIST 1", "UIDL 1", "DELE 1"})
        EXPECT_EQ(server.say(line), "-ERR no such message\r\n") << line;
}

TEST(Pop3Mail, RsetTakesTheMarksBack) {
    Server server;
    server.say("DELE 1");
    server.say("DELE 3");
    EXPECT_TRUE(server.say("RSET").starts_with("+OK"));
    EXPECT_EQ(server.say("STAT"), "+OK 3 42\r\n");
    server.say("DELE 1");
    server.say("RSET");
    server.say("DELE 1");
    server.say("QUIT");
    EXPECT_EQ(server.mailbox.size(), 2U) << "DELE, RSET, DELE counts once";
}

TEST(Pop3Mail, QuitDeletesAndSaysSoOnlyThen) {
    Server server;
    server.on_removal = [](Session&) {};
    server.say("DELE 1");
    server.say("DELE 3");
    EXPECT_EQ(server.say("QUIT"), "") << "no +OK before the deletions are done";
    server.session().messages_removed();
    server.run();
    EXPECT_EQ(server.take_output(), "+OK posada POP3 server at mail.micasa.test signing off.\r\n");
    EXPECT_TRUE(server.closed());
    EXPECT_EQ(server.notes.back().event->id, "mailbox-closed");
    EXPECT_EQ(server.notes.back().fields[1].value, "2");
}

TEST(Pop3Mail, AFailedDeletionIsNotOk) {
    Server server;
    server.on_removal = [](Session& s) { s.removal_failed(); };
    server.say("DELE 1");
    EXPECT_TRUE(server.say("QUIT").starts_with("-ERR [SYS/TEMP] "));
    EXPECT_TRUE(server.closed());
}

TEST(Pop3Mail, QuitWithoutMarksAsksNobody) {
    Server server;
    server.on_removal = [](Session&) { ADD_FAILURE(); };
    EXPECT_TRUE(server.say("QUIT").starts_with("+OK"));
    EXPECT_EQ(server.mailbox.size(), 3U);
}

TEST(Pop3Mail, ATimeoutSaysNothingAndDeletesNothing) {
    Server server;
    server.say("DELE 1");
    server.session().timeout();
    server.run();
    EXPECT_EQ(server.take_output(), "");
    EXPECT_TRUE(server.closed());
    EXPECT_EQ(server.mailbox.size(), 3U);
}

TEST(Pop3Mail, AStoppingServerDeletesNothing) {
    Server server;
    server.say("DELE 1");
    server.session().shut_down();
    server.run();
    EXPECT_TRUE(server.take_output().starts_with("-ERR [SYS/TEMP] "));
    EXPECT_TRUE(server.closed());
    EXPECT_EQ(server.mailbox.size(), 3U);
}

TEST(Pop3Mail, AStoppingServerFinishesDeletionsUnderWay) {
    Server server;
    server.on_removal = [](Session&) {};
    server.say("DELE 1");
    server.say("QUIT");
    server.session().shut_down();
    server.session().messages_removed();
    server.run();
    EXPECT_TRUE(server.take_output().starts_with("+OK"));
}

TEST(Pop3Mail, AMessageAnotherProgramRemoved) {
    Server server;
    server.on_message = [](Session& s) { s.message_refused(MessageRefusal::gone); };
    EXPECT_TRUE(server.say("RETR 1").starts_with("-ERR another program"));
    server.on_message = [](Session& s) { s.message_refused(MessageRefusal::temporary); };
    EXPECT_TRUE(server.say("RETR 1").starts_with("-ERR [SYS/TEMP] "));
    EXPECT_FALSE(server.closed());
}

TEST(Pop3Mail, AnEmptyMailbox) {
    Server server(std::vector<std::string>{});
    EXPECT_EQ(server.say("STAT"), "+OK 0 0\r\n");
    EXPECT_EQ(server.say("LIST"), "+OK 0 messages (0 octets)\r\n.\r\n");
    EXPECT_EQ(server.say("UIDL"), "+OK 0 messages (0 octets)\r\n.\r\n");
    EXPECT_EQ(server.say("RETR 1"), "-ERR no such message\r\n");
    EXPECT_TRUE(server.say("QUIT").starts_with("+OK"));
}

TEST(Pop3Mail, ALongListingGoesOutInBatches) {
    Server server(std::vector<std::string>(20'000, "\r\n"));
    server.hold_output = true;
    server.receive("LIST\r\nNOOP\r\n");
    std::string all = server.take_output();
    EXPECT_LT(all.size(), 40'000U);
    EXPECT_TRUE(server.session().waiting()) << "NOOP waits behind the listing";
    for (int batches = 0; server.session().listing() && batches < 100; ++batches) {
        server.drained();
        const std::string batch = server.take_output();
        EXPECT_LT(batch.size(), 40'000U);
        all += batch;
    }
    EXPECT_TRUE(all.ends_with("\r\n20000 2\r\n.\r\n+OK\r\n")) << all.substr(all.size() - 40);
}

TEST(Pop3Mail, TwentyRefusedCommandsClose) {
    Server server;
    for (int i = 1; i < 20; ++i) server.say("FOO");
    EXPECT_FALSE(server.closed());
    server.say("FOO");
    EXPECT_TRUE(server.closed());
}

TEST(Pop3Mail, AskingForMissingMessagesIsNoAbuse) {
    Server server;
    for (int i = 0; i < 100; ++i) EXPECT_EQ(server.say("RETR 9"), "-ERR no such message\r\n");
    EXPECT_FALSE(server.closed());
}

TEST(Pop3Mail, ANameIsRefusedInTheTransactionState) {
    Server server;
    EXPECT_TRUE(server.say("USER lir").starts_with("-ERR "));
    EXPECT_TRUE(server.say("PASS pamplona").starts_with("-ERR "));
}

TEST(Pop3Mail, TenPipelinedCommandsInOneSegmentOrBytePerByte) {
    const std::string script =
        "STAT\r\nLIST 1\r\nUIDL 1\r\nRETR 1\r\nTOP 2 0\r\nDELE 2\r\nNOOP\r\nSTAT\r\nRSET\r\nSTAT\r\n";
    Server whole;
    whole.receive(script);
    Server bytes;
    for (const char c : script) bytes.receive(std::string(1, c));
    const std::string expected = whole.take_output();
    EXPECT_EQ(bytes.take_output(), expected);
    EXPECT_TRUE(expected.ends_with("+OK 3 42\r\n"));
}

TEST(Pop3Mail, VerbsInAnyCaseAndLinesEndingInLf) {
    Server server;
    server.receive("sTaT\nnoop\n");
    EXPECT_EQ(server.take_output(), "+OK 3 42\r\n+OK\r\n");
}

TEST(Pop3Help, ListsTheTableAndExplainsACommand) {
    Server server;
    const std::string all = server.say("HELP");
    for (const auto& row : commands())
        EXPECT_NE(all.find(std::string("\r\n") + std::string(row.syntax)), std::string::npos);
    EXPECT_TRUE(all.ends_with("\r\n.\r\n"));
    EXPECT_EQ(server.say("help top"), "+OK TOP msg n: Sends a message's header and the first n lines of its body.\r\n");
    EXPECT_TRUE(server.say("HELP FOO").starts_with("-ERR "));
}
