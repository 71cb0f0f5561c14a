// SPDX-License-Identifier: BSD-2-Clause
// The AUTHORIZATION state: USER and PASS, AUTH (RFC 5034), STLS, CAPA, response codes.
#include <gtest/gtest.h>

#include "tests/unit/pop3d/pure_server.h"

using namespace posada;
using namespace posada::pop3d;
using namespace posada::pop3d::testing;

namespace {

const Peer secure_later{true, false}; // TLS is there, plain text is not enough
const Peer lan{true, true};           // plaintext_auth permits this peer

struct Server : PureServer {
    explicit Server(Peer peer = lan, Policy policy = test_policy()) : PureServer(peer, std::move(policy)) {
        greet();
        take_output();
    }
    void encrypt(std::string with_exporter = {}) {
        EXPECT_TRUE(say("STLS").starts_with("+OK"));
        exporter = std::move(with_exporter);
        start_tls();
    }
};

Policy scram_policy() {
    Policy policy = test_policy();
    policy.scram = true;
    return policy;
}

std::string plain(const std::string& user, const std::string& password) {
    return proto::base64_encode(std::string(1, '\0') + user + std::string(1, '\0') + password);
}

bool has_line(const std::string& reply, const std::string& line) {
    return ("\r\n" + reply).find("\r\n" + line + "\r\n") != std::string::npos;
}

} // namespace

TEST(Pop3Greeting, NamesTheHostAndLooksLikeNoApopChallenge) {
    PureServer server;
    server.greet();
    const std::string greeting = server.take_output();
    EXPECT_EQ(greeting, "+OK posada POP3 server at mail.micasa.test starting.\r\n");
    EXPECT_EQ(greeting.find('<'), std::string::npos);
    EXPECT_LE(greeting.size(), 512U);
}

TEST(Pop3Login, TheCoursesAnswerToPass) {
    Server server;
    server.mailbox = test::make_mailbox("course");
    EXPECT_TRUE(server.say("user daniel.morato").starts_with("+OK"));
    EXPECT_EQ(server.say("pass hungry"),
              "+OK daniel.morato has 412 visible messages (0 hidden) in 35020509 octets.\r\n");
    EXPECT_TRUE(server.session().logged_in());
}

TEST(Pop3Login, OneMessageIsSingular) {
    Server server;
    server.mailbox = {"a: b\r\n\r\n"};
    server.hidden = 3;
    server.say("USER lir");
    EXPECT_EQ(server.say("PASS pamplona"), "+OK lir has 1 visible message (3 hidden) in 8 octets.\r\n");
}

TEST(Pop3Login, UserBeforeTlsIsRefusedAndDisclosesNothing) {
    Server server(secure_later);
    const std::string known = server.say("USER lir");
    EXPECT_TRUE(known.starts_with("-ERR "));
    EXPECT_EQ(known, server.say("USER nobody"));
    EXPECT_EQ(known.find("[AUTH]"), std::string::npos) << "clients would ask for another password";
}

TEST(Pop3Login, PassAndAuthBeforeTlsAreRefused) {
    for (const char* line : {"PASS pamplona", "AUTH PLAIN AGxpcgBwYW1wbG9uYQ==", "AUTH"}) {
        Server server(secure_later);
        server.on_login = [](Session&) { ADD_FAILURE() << "the password reached the monitor"; };
        EXPECT_TRUE(server.say(line).starts_with("-ERR ")) << line;
    }
}

TEST(Pop3Login, UserIsNoOracle) {
    Server server;
    EXPECT_EQ(server.say("USER lir"), server.say("USER nobody-at-all"));
}

TEST(Pop3Login, PassNeedsUser) {
    Server server;
    EXPECT_TRUE(server.say("PASS pamplona").starts_with("-ERR "));
}

TEST(Pop3Login, APasswordMayHoldSpaces) {
    Server server;
    server.say("USER spaces");
    EXPECT_TRUE(server.say("PASS two  words ").starts_with("-ERR [AUTH]")) << "the blank in front belongs to it";
    server.say("USER spaces");
    EXPECT_TRUE(server.say("PASS  two  words ").starts_with("+OK spaces has"));
}

TEST(Pop3Login, AWrongPasswordIsAuthAndAnotherTryMayFollow) {
    Server server;
    server.say("USER lir");
    EXPECT_EQ(server.say("PASS wrong"), "-ERR [AUTH] wrong user name or password\r\n");
    EXPECT_FALSE(server.closed());
    EXPECT_TRUE(server.say("PASS pamplona").starts_with("-ERR ")) << "a new attempt starts with USER";
    server.say("USER lir");
    EXPECT_TRUE(server.say("PASS pamplona").starts_with("+OK"));
}

TEST(Pop3Login, ATemporaryFailureIsNotAuth) {
    Server server;
    server.on_login = [](Session& s) { s.login_refused(LoginRefusal::temporary); };
    server.say("USER lir");
    const std::string reply = server.say("PASS pamplona");
    EXPECT_TRUE(reply.starts_with("-ERR [SYS/TEMP] ")) << reply;
}

TEST(Pop3Login, TheLastAttemptCloses) {
    Server server;
    server.on_login = [](Session& s) { s.login_refused(LoginRefusal::last_attempt); };
    server.say("USER lir");
    EXPECT_TRUE(server.say("PASS x").starts_with("-ERR [AUTH] "));
    EXPECT_TRUE(server.closed());
}

TEST(Pop3Login, WhileThePasswordIsCheckedNothingIsRead) {
    Server server;
    server.on_login = [](Session&) {};
    server.receive("USER lir\r\nPASS pamplona\r\nSTAT\r\n");
    EXPECT_TRUE(server.session().waiting());
    server.take_output();
    server.session().login_accepted("lir");
    server.run();
    const std::string reply = server.take_output();
    EXPECT_TRUE(reply.starts_with("+OK lir has 0 visible messages")) << reply;
    EXPECT_TRUE(reply.ends_with("\r\n+OK 0 0\r\n")) << reply;
}

TEST(Pop3Login, AMailboxInUseIsSaidBeforeAnyOk) {
    Server server;
    server.on_mailbox = [](Session& s) { s.mailbox_refused(MailboxRefusal::in_use); };
    server.say("USER lir");
    EXPECT_TRUE(server.say("PASS pamplona").starts_with("-ERR [IN-USE] "));
    EXPECT_TRUE(server.closed());
}

TEST(Pop3Login, AMailboxThatDoesNotOpenIsTemporaryOrPermanent) {
    for (const auto& [why, code] :
         {std::pair{MailboxRefusal::temporary, "[SYS/TEMP]"}, std::pair{MailboxRefusal::permanent, "[SYS/PERM]"}}) {
        Server server;
        server.on_mailbox = [why = why](Session& s) { s.mailbox_refused(why); };
        server.say("USER lir");
        EXPECT_TRUE(server.say("PASS pamplona").starts_with(std::string("-ERR ") + code));
        EXPECT_TRUE(server.closed());
    }
}

TEST(Pop3Login, ThreeRefusedCommandsClose) {
    Server server;
    server.say("FOO");
    server.say("STAT");
    EXPECT_FALSE(server.closed());
    EXPECT_TRUE(server.say("BAR").starts_with("-ERR "));
    EXPECT_TRUE(server.closed());
    EXPECT_EQ(server.notes.back().event->id, "protocol-abuse");
}

TEST(Pop3Login, AfterTheLoginRefusedCommandsAreCountedAnew) {
    Policy policy = test_policy();
    policy.max_bad_commands_login = policy.max_bad_commands = 2;
    Server server(lan, policy);
    server.say("FOO");
    server.say("USER lir");
    ASSERT_TRUE(server.say("PASS pamplona").starts_with("+OK"));
    server.say("FOO");
    EXPECT_FALSE(server.closed());
    server.say("FOO");
    EXPECT_TRUE(server.closed());
}

TEST(Pop3Login, AMalformedLineEndsAnExchange) {
    Server server;
    server.say("AUTH PLAIN");
    EXPECT_TRUE(server.say(std::string("a\0b", 3)).starts_with("-ERR "));
    EXPECT_TRUE(server.say("CAPA").starts_with("+OK")) << "a command again";
}

TEST(Pop3Login, TheNumberOfRefusedCommandsIsConfigured) {
    Policy policy = test_policy();
    policy.max_bad_commands_login = 1;
    Server server(lan, policy);
    server.say("FOO");
    EXPECT_TRUE(server.closed());
}

TEST(Pop3Login, TransactionCommandsComeAfterLogin) {
    for (const char* line : {"STAT", "LIST", "UIDL", "RETR 1", "TOP 1 0", "DELE 1", "RSET", "NOOP"}) {
        Server server;
        EXPECT_TRUE(server.say(line).starts_with("-ERR ")) << line;
    }
}

TEST(Pop3Login, QuitBeforeLogin) {
    Server server;
    EXPECT_EQ(server.say("quit"), "+OK posada POP3 server at mail.micasa.test signing off.\r\n");
    EXPECT_TRUE(server.closed());
}

// ---- STLS

TEST(Pop3Stls, IsRefusedWithoutACertificateAndTwice) {
    Server without({false, false});
    EXPECT_TRUE(without.say("STLS").starts_with("-ERR "));
    Server server(secure_later);
    server.encrypt();
    EXPECT_TRUE(server.say("STLS").starts_with("-ERR "));
}

TEST(Pop3Stls, ForgetsTheNameSaidInPlainText) {
    Server server(lan);
    server.say("USER lir");
    server.encrypt();
    EXPECT_TRUE(server.say("PASS pamplona").starts_with("-ERR "));
}

TEST(Pop3Stls, IsNotTakenAfterLogin) {
    Server server(lan);
    server.say("USER lir");
    server.say("PASS pamplona");
    EXPECT_TRUE(server.say("STLS").starts_with("-ERR "));
}

// ---- CAPA (RFC 2449)

TEST(Pop3Capa, InPlainTextOffersTlsAndNoPassword) {
    Server server(secure_later);
    const std::string capa = server.say("CAPA");
    EXPECT_TRUE(capa.starts_with("+OK"));
    EXPECT_TRUE(capa.ends_with("\r\n.\r\n"));
    for (const char* word : {"STLS", "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"})
        EXPECT_TRUE(has_line(capa, word)) << word; // Thunderbird for Android compares whole lines
    EXPECT_EQ(capa.find("USER"), std::string::npos);
    EXPECT_EQ(capa.find("SASL"), std::string::npos);
}

TEST(Pop3Capa, UnderTlsOffersPasswordsAndNoTls) {
    Server server(secure_later);
    server.encrypt();
    const std::string capa = server.say("CAPA");
    EXPECT_TRUE(has_line(capa, "USER"));
    EXPECT_TRUE(has_line(capa, "SASL PLAIN LOGIN"));
    EXPECT_EQ(capa.find("STLS"), std::string::npos);
}

// RFC 2449 §5: "Capabilities available in the AUTHORIZATION state MUST be announced in both states."
TEST(Pop3Capa, WhatIsOfferedBeforeLoginIsOfferedAfterIt) {
    Server server(secure_later);
    server.encrypt();
    const std::string before = server.say("CAPA");
    server.say("USER lir");
    server.say("PASS pamplona");
    std::string after = server.say("CAPA");
    const std::string implementation = "IMPLEMENTATION posada\r\n";
    ASSERT_NE(after.find(implementation), std::string::npos);
    EXPECT_EQ(before.find("IMPLEMENTATION"), std::string::npos) << "who has not logged in need not know";
    after.erase(after.find(implementation), implementation.size());
    EXPECT_EQ(before, after);
}

TEST(Pop3Capa, IsCompleteInBothStates) {
    Server server(lan);
    for (const bool logged_in : {false, true}) {
        const std::string capa = server.say("CAPA");
        for (const char* word : {"STLS", "UTF8", "LANG", "USER", "SASL PLAIN LOGIN", "TOP", "UIDL", "RESP-CODES",
                                 "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER"})
            EXPECT_TRUE(has_line(capa, word)) << word << logged_in;
        EXPECT_EQ(capa.find("LOGIN-DELAY"), std::string::npos) << "announced only where it is enforced";
        EXPECT_EQ(capa.find("APOP"), std::string::npos) << "no such capability";
        server.say("USER lir");
        server.say("PASS pamplona");
    }
}

TEST(Pop3Capa, ExpireAndLoginDelayFollowTheOptions) {
    Policy policy = test_policy();
    policy.expire = std::chrono::hours(30 * 24 + 23);
    policy.login_delay = Millis(89'001);
    Server server(lan, policy);
    const std::string capa = server.say("CAPA");
    EXPECT_TRUE(has_line(capa, "EXPIRE 30")) << capa;
    EXPECT_TRUE(has_line(capa, "LOGIN-DELAY 90")) << capa;
}

TEST(Pop3LoginDelay, ARightPasswordThatComesTooSoonHearsTheCodeAndMayTryAgain) {
    Server server;
    server.on_login = [](Session& s) { s.login_refused(LoginRefusal::too_soon); };
    server.say("USER lir");
    EXPECT_TRUE(server.say("PASS pamplona").starts_with("-ERR [LOGIN-DELAY] "));
    EXPECT_FALSE(server.closed());
    server.on_login = nullptr;
    server.say("USER lir");
    EXPECT_TRUE(server.say("PASS pamplona").starts_with("+OK"));
}

// ---- UTF8 and LANG (RFC 6856)

TEST(Pop3Utf8, ComesBeforeLoginAndIsAPromiseOfTheClient) {
    Server server;
    EXPECT_TRUE(server.say("UTF8").starts_with("+OK"));
    EXPECT_TRUE(server.say("UTF8").starts_with("+OK"));
    EXPECT_TRUE(server.say("UTF8 USER").starts_with("-ERR ")) << "it has no argument";
    server.say("USER lir");
    server.say("PASS pamplona");
    EXPECT_TRUE(server.say("UTF8").starts_with("-ERR "));
}

TEST(Pop3Utf8, AfterItStlsIsAMistakeWithoutAResponseCode) {
    Server server(secure_later);
    server.say("UTF8");
    const std::string reply = server.say("STLS");
    EXPECT_TRUE(reply.starts_with("-ERR ")) << reply;
    EXPECT_EQ(reply.find('['), std::string::npos) << reply;
}

TEST(Pop3Utf8, EveryClientGetsAMessageAsItIsStored) {
    for (const bool said : {true, false}) {
        Server server;
        server.mailbox = {"Subject: a\xc3\xb1o\r\n\r\n\xff\r\n"};
        if (said) server.say("UTF8");
        server.say("USER lir");
        server.say("PASS pamplona");
        EXPECT_EQ(server.say("RETR 1"), "+OK 20 octets\r\nSubject: a\xc3\xb1o\r\n\r\n\xff\r\n.\r\n");
    }
}

TEST(Pop3Lang, ListsTheLanguagesInThemselves) {
    Server server;
    EXPECT_EQ(server.say("LANG"), "+OK languages follow\r\nen English\r\nes Espa\xc3\xb1ol\r\n.\r\n");
}

TEST(Pop3Lang, TheReplyNamesTheTagAndSpeaksTheLanguage) {
    Server server;
    EXPECT_EQ(server.say("LANG es"), "+OK es a partir de ahora, en espa\xc3\xb1ol\r\n");
    EXPECT_EQ(server.say("STAT"), "-ERR primero hay que identificarse\r\n");
    server.say("USER lir");
    EXPECT_EQ(server.say("PASS wrong"), "-ERR [AUTH] usuario o contrase\xc3\xb1"
                                        "a incorrectos\r\n");
    server.say("USER lir");
    EXPECT_EQ(server.say("PASS pamplona"), "+OK lir tiene 0 mensajes visibles (0 ocultos) en 0 octetos.\r\n");
    EXPECT_EQ(server.say("STAT"), "+OK 0 0\r\n");
    EXPECT_EQ(server.say("LANG EN-gb"), "+OK en English from now on\r\n");
    EXPECT_EQ(server.say("RETR 1"), "-ERR no such message\r\n");
}

TEST(Pop3Lang, AnUnknownLanguageChangesNothingAndIsNoMisbehaviour) {
    Server server;
    server.say("LANG es");
    for (const char* range : {"MUL", "uga", "e", "es_ES", "-", "**"})
        EXPECT_TRUE(server.say(std::string("LANG ") + range).starts_with("-ERR idioma")) << range;
    EXPECT_FALSE(server.closed());
}

TEST(Pop3Lang, AStarAsksForTheServersChoice) {
    Policy policy = test_policy();
    Server english(lan, policy);
    EXPECT_TRUE(english.say("LANG *").starts_with("+OK en "));
    policy.language = Language::spanish;
    Server spanish(lan, policy);
    EXPECT_EQ(spanish.say("QUITT"), "-ERR unknown command; HELP lists them\r\n") << "until it is chosen";
    EXPECT_TRUE(spanish.say("LANG *").starts_with("+OK es "));
}

// RFC 2595 §4: what was learnt in plain text is forgotten.
TEST(Pop3Lang, IsForgottenAtStls) {
    Server server(secure_later);
    server.say("LANG es");
    server.encrypt();
    EXPECT_TRUE(server.say("STAT").starts_with("-ERR log in first"));
}

// ---- APOP (RFC 1939 §7)

struct ApopServer : PureServer {
    ApopServer() : PureServer({true, false, "<1896.697170952@dbc.mtview.ca.us>"}) { greet(); }
};

TEST(Pop3Apop, TheChallengeStandsInTheGreeting) {
    ApopServer server;
    EXPECT_EQ(server.take_output(),
              "+OK posada POP3 server at mail.micasa.test starting. <1896.697170952@dbc.mtview.ca.us>\r\n");
}

TEST(Pop3Apop, LogsInWithTheDigestOfItsRfcEvenWithoutTls) {
    ApopServer server;
    server.take_output();
    EXPECT_TRUE(server.say("APOP mrose c4c9334bac560ecc979e58001b3e22fb").starts_with("+OK mrose has"));
}

TEST(Pop3Apop, AWrongNameAndAWrongDigestAreTheSame) {
    ApopServer server;
    server.take_output();
    const std::string wrong = server.say("APOP mrose c4c9334bac560ecc979e58001b3e22fc");
    EXPECT_EQ(wrong, "-ERR [AUTH] wrong user name or password\r\n");
    EXPECT_EQ(server.say("APOP nobody c4c9334bac560ecc979e58001b3e22fb"), wrong);
}

TEST(Pop3Apop, AnotherShapeIsRefusedWithoutAsking) {
    for (const char* line :
         {"APOP", "APOP mrose", "APOP mrose x", "APOP mrose C4C9334BAC560ECC979E58001B3E22FB",
          "APOP mrose c4c9334bac560ecc979e58001b3e22fb x", "APOP mrose c4c9334bac560ecc979e58001b3e22f",
          "APOP mrose zzc9334bac560ecc979e58001b3e22fb"}) {
        ApopServer server;
        server.take_output();
        server.on_login = [](Session&) { ADD_FAILURE() << "it reached the monitor"; };
        EXPECT_TRUE(server.say(line).starts_with("-ERR ")) << line;
    }
}

TEST(Pop3Apop, IsRefusedWhereNobodyHasASecret) {
    Server server;
    server.on_login = [](Session&) { ADD_FAILURE() << "it reached the monitor"; };
    EXPECT_TRUE(server.say("APOP lir c4c9334bac560ecc979e58001b3e22fb").starts_with("-ERR APOP is not offered"));
}

TEST(Pop3Capa, ScramIsListedWhereEveryAccountHasAVerifier) {
    Server server(secure_later, scram_policy());
    server.encrypt("12345678901234567890123456789012");
    EXPECT_TRUE(has_line(server.say("CAPA"), "SASL PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS"));
    Server old_tls(secure_later, scram_policy());
    old_tls.encrypt();
    EXPECT_TRUE(has_line(old_tls.say("CAPA"), "SASL PLAIN LOGIN SCRAM-SHA-256"));
}

// ---- AUTH (RFC 5034)

TEST(Pop3Auth, AloneListsTheMechanisms) {
    Server server;
    EXPECT_EQ(server.say("AUTH"), "+OK mechanisms follow\r\nPLAIN\r\nLOGIN\r\n.\r\n");
}

TEST(Pop3Auth, PlainInTwoSteps) {
    Server server;
    EXPECT_EQ(server.say("AUTH PLAIN"), "+ \r\n");
    EXPECT_TRUE(server.say(plain("lir", "pamplona")).starts_with("+OK lir has"));
}

TEST(Pop3Auth, PlainWithInitialResponse) {
    Server server;
    EXPECT_TRUE(server.say("auth plain " + plain("lir", "pamplona")).starts_with("+OK lir has"));
}

TEST(Pop3Auth, AnEmptyInitialResponseIsAnEqualsSign) {
    Server server;
    EXPECT_TRUE(server.say("AUTH PLAIN =").starts_with("-ERR ")) << "PLAIN has no empty message";
    EXPECT_EQ(server.say("AUTH LOGIN"), "+ " + proto::base64_encode("Username:") + "\r\n");
}

TEST(Pop3Auth, Login) {
    Server server;
    server.say("AUTH LOGIN");
    EXPECT_EQ(server.say(proto::base64_encode("lir")), "+ " + proto::base64_encode("Password:") + "\r\n");
    EXPECT_TRUE(server.say(proto::base64_encode("pamplona")).starts_with("+OK lir has"));
}

TEST(Pop3Auth, AStarCancels) {
    Server server;
    server.say("AUTH PLAIN");
    EXPECT_TRUE(server.say("*").starts_with("-ERR "));
    EXPECT_TRUE(server.say("CAPA").starts_with("+OK")) << "the next line is a command again";
}

TEST(Pop3Auth, BadBase64FailsTheExchange) {
    Server server;
    server.say("AUTH PLAIN");
    EXPECT_TRUE(server.say("!!!!").starts_with("-ERR "));
    EXPECT_TRUE(server.say("AUTH PLAIN AGxpc").starts_with("-ERR "));
    EXPECT_FALSE(server.closed());
}

TEST(Pop3Auth, UnknownMechanismsAreRefused) {
    Server server;
    EXPECT_TRUE(server.say("AUTH CRAM-MD5").starts_with("-ERR "));
    EXPECT_TRUE(server.say("AUTH SCRAM-SHA-256").starts_with("-ERR ")) << "not offered without verifiers";
}

TEST(Pop3Auth, ALineLongerThan255OctetsIsFine) {
    Server server;
    server.say("AUTH PLAIN");
    EXPECT_EQ(server.say(plain(std::string(200, 'a'), std::string(400, 'b'))),
              "-ERR [AUTH] wrong user name or password\r\n");
}

TEST(Pop3Auth, ScramSha256AsInItsRfc) {
    Server server(lan, scram_policy());
    const std::string first =
        server.say("AUTH SCRAM-SHA-256 " + proto::base64_encode("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
    EXPECT_EQ(first, "+ " +
                         proto::base64_encode("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                              "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096") +
                         "\r\n");
    const std::string final = server.say(proto::base64_encode(
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
    EXPECT_EQ(final, "+ " + proto::base64_encode("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") + "\r\n");
    EXPECT_TRUE(server.say("").starts_with("+OK user has")) << "the client acknowledges with an empty line";
}

TEST(Pop3Auth, ScramWithAWrongProofIsAuth) {
    Server server(lan, scram_policy());
    server.say("AUTH SCRAM-SHA-256 " + proto::base64_encode("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
    const std::string final = server.say(proto::base64_encode(
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=AAzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
    EXPECT_EQ(final, "-ERR [AUTH] wrong user name or password\r\n");
}

TEST(Pop3Auth, IsNotTakenAfterLogin) {
    Server server;
    server.say("USER lir");
    server.say("PASS pamplona");
    EXPECT_TRUE(server.say("AUTH PLAIN").starts_with("-ERR "));
}

TEST(Pop3Transcript, MasksWhatIsSecret) {
    Policy policy = test_policy();
    policy.transcript = true;
    Server server(lan, policy);
    server.say("user lir");
    server.say("pass pamplona");
    std::string all;
    for (const LogNote& note : server.notes)
        for (const LogField& field : note.fields) all += field.name.data() + ("=" + field.value) + "\n";
    EXPECT_NE(all.find("line=user lir\n"), std::string::npos) << all;
    EXPECT_NE(all.find("line=PASS (hidden)\n"), std::string::npos) << all;
    EXPECT_NE(all.find("line=+OK lir has"), std::string::npos) << all;
    EXPECT_EQ(all.find("pamplona"), std::string::npos) << all;
}

TEST(Pop3Transcript, MasksSaslResponses) {
    Policy policy = test_policy();
    policy.transcript = true;
    Server server(lan, policy);
    server.say("AUTH PLAIN");
    server.say(plain("lir", "pamplona"));
    for (const LogNote& note : server.notes)
        for (const LogField& field : note.fields)
            EXPECT_EQ(field.value.find(plain("lir", "pamplona")), std::string::npos);
}
