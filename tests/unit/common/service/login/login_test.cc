// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login/login.h"

#include "tests/unit/common/service/login/login_fixture.h"

namespace posada::service {
namespace {

TEST_F(LoginTest, TheRightPasswordAnswersTheCanonicalNameAndChangesThePhase) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    const auto body = login(session, link, "Daniel@micasa.test", "hungry");
    ASSERT_TRUE(body.ok()) << body.error().describe();
    EXPECT_EQ(from_bytes<LoggedIn>(*body)->name, "daniel");
    EXPECT_EQ(link.phase(), after_login);
    EXPECT_EQ(link.answers[0].type, CheckPassword::row.type);
    EXPECT_EQ(link.answers[0].fds.size(), 0U);
    ASSERT_EQ(logged.lines.size(), 1U);
    EXPECT_EQ(logged.lines[0],
              "auth-ok service=pop3d rip=192.0.2.7 rport=4711 user=Daniel@micasa.test method=password session=42 "
              "account=daniel");
}

TEST_F(LoginTest, AWrongPasswordIsLoggedAtOnceAndAnsweredLate) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    const Instant start = loop->clock().now();
    const auto body = login(session, link, "daniel", "wrong");
    EXPECT_EQ(body.error().code, Errc::denied);
    EXPECT_GE(loop->clock().now() - start, Millis(60));
    EXPECT_EQ(link.phase(), before_login);
    ASSERT_EQ(logged.lines.size(), 1U);
    EXPECT_EQ(logged.lines[0], "auth-fail service=pop3d rip=192.0.2.7 rport=4711 user=daniel method=password "
                               "reason=bad-password session=42");
}

TEST_F(LoginTest, TheAnswerDoesNotTellAnUnknownUserFromAWrongPassword) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    static_cast<void>(login(session, link, "daniel", "wrong"));
    static_cast<void>(login(session, link, "nobody", "wrong"));
    ASSERT_EQ(link.answers.size(), 2U);
    EXPECT_EQ(link.answers[0].payload, link.answers[1].payload);
    EXPECT_NE(logged.lines[1].find("reason=unknown-user"), std::string::npos);
}

TEST_F(LoginTest, TheLastPermittedRefusalSaysSoAndNothingIsLookedAtAfterIt) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    EXPECT_EQ(login(session, link, "daniel", "a").error().code, Errc::denied);
    EXPECT_EQ(login(session, link, "daniel", "b").error().code, Errc::denied);
    EXPECT_EQ(login(session, link, "daniel", "c").error().code, Errc::last_try);
    const auto fourth = login(session, link, "daniel", "hungry");
    EXPECT_EQ(fourth.error().code, Errc::limit);
    EXPECT_EQ(link.phase(), before_login);
}

TEST_F(LoginTest, ANewConnectionOfAPenalisedSourceIsHeldAndOthersAreNot) {
    config.throttle.delays = {Seconds(2)};
    FakeLink link(*loop);
    auto guesser = std::make_unique<LoginSession>(service(), link, info(), nullptr);
    send_password(*guesser, "daniel", "wrong");
    while (logged.lines.empty()) run_for(Millis(10));
    guesser.reset(); // hangs up instead of waiting for the refusal
    FakeLink again_link(*loop);
    LoginSession again(service(), again_link, info(), nullptr);
    send_password(again, "daniel", "hungry");
    FakeLink other_link(*loop);
    LoginSession other(service(), other_link, info("192.0.2.8"), nullptr);
    EXPECT_TRUE(login(other, other_link, "daniel", "hungry").ok());
    EXPECT_TRUE(again_link.answers.empty()) << "asked before, and held";
    EXPECT_TRUE(wait(again_link, 0).ok());
    EXPECT_TRUE(link.answers.empty());
}

TEST_F(LoginTest, ExemptSourcesAreNeverDelayed) {
    config.throttle.delays = {Seconds(10)};
    config.exempt.push_back(*io::Network::parse("192.0.2.0/24"));
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    const Instant start = loop->clock().now();
    EXPECT_EQ(login(session, link, "daniel", "a").error().code, Errc::denied);
    EXPECT_EQ(login(session, link, "daniel", "b").error().code, Errc::denied);
    EXPECT_LT(loop->clock().now() - start, Seconds(5));
}

TEST_F(LoginTest, AHangingBackendTimesOutAndDelaysNobodyElse) {
    config.deadline = Seconds(3);
    service().set_backends([](const LoginConfig& c) {
        std::vector<std::unique_ptr<auth::Backend>> out;
        out.push_back(std::make_unique<auth::UsersBackend>(c.users_file));
        out.push_back(std::make_unique<HangingBackend>());
        return out;
    });
    FakeLink hanging_link(*loop);
    LoginSession hanging(service(), hanging_link, info(), nullptr);
    send_password(hanging, "hang", "x");
    for (int i = 0; i < 3; ++i) {
        FakeLink link(*loop);
        LoginSession session(service(), link, info("192.0.2.8"), nullptr);
        EXPECT_TRUE(login(session, link, "daniel", "hungry").ok()) << i;
    }
    EXPECT_TRUE(hanging_link.answers.empty()) << "they had not to wait for its deadline";
    const auto late = wait(hanging_link, 0);
    EXPECT_EQ(late.error().code, Errc::timeout);
    EXPECT_NE(logged.lines.back().find("auth-temp"), std::string::npos);
    EXPECT_NE(logged.lines.back().find("reason=deadline"), std::string::npos);
    EXPECT_TRUE(hanging_link.killed.empty());
}

TEST_F(LoginTest, AboveTheWorkerCapALoginIsTemporaryNotRefused) {
    config.workers = 1;
    config.deadline = Millis(1'500);
    service().set_backends([](const LoginConfig&) {
        std::vector<std::unique_ptr<auth::Backend>> out;
        out.push_back(std::make_unique<HangingBackend>());
        return out;
    });
    FakeLink busy_link(*loop);
    auto busy = std::make_unique<LoginSession>(service(), busy_link, info(), nullptr);
    send_password(*busy, "hang", "x");
    run_for(config.deadline / 2); // so that nobody's time is up when the worker is free again
    FakeLink gone_link(*loop);
    auto gone = std::make_unique<LoginSession>(service(), gone_link, info(), nullptr);
    send_password(*gone, "hang", "x");
    FakeLink next_link(*loop);
    LoginSession next(service(), next_link, info(), nullptr);
    send_password(next, "hang", "x");
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    send_password(session, "hang", "x");
    gone.reset(); // who has left is passed over
    EXPECT_EQ(wait(link, 0).error().code, Errc::limit) << "the two before hold the worker for as long as may be";
    EXPECT_NE(logged.lines.back().find("reason=workers"), std::string::npos);
    EXPECT_EQ(busy_link.answers.size(), 1U);
    EXPECT_TRUE(next_link.answers.empty());
    EXPECT_TRUE(gone_link.answers.empty());
}

TEST_F(LoginTest, AboveTheWorkerCapLoginsWaitForTheirTurn) {
    config.workers = 1;
    FakeLink link(*loop);
    std::vector<std::unique_ptr<LoginSession>> sessions;
    for (int i = 0; i < 12; ++i) {
        sessions.push_back(std::make_unique<LoginSession>(service(), link, info(), nullptr));
        send_password(*sessions.back(), "daniel", "hungry");
    }
    for (std::size_t i = 0; i < sessions.size(); ++i) EXPECT_TRUE(wait(link, i).ok()) << i;
}

TEST_F(LoginTest, ABrokenUsersFileIsTemporary) {
    ASSERT_EQ(::chmod(config.users_file.c_str(), 0666), 0);
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    EXPECT_EQ(login(session, link, "daniel", "hungry").error().code, Errc::unavailable);
    std::string temporary; // beside it stands what the look through the file at the start found
    for (const std::string& line : logged.lines)
        if (line.rfind("auth-temp ", 0) == 0) temporary = line;
    EXPECT_NE(temporary.find("chmod 600"), std::string::npos) << temporary;
}

TEST_F(LoginTest, BreachesOfTheProtocolKill) {
    const std::string good = to_bytes(check("daniel", "hungry"));
    const std::string other_mechanism = to_bytes(ScramFirst{"daniel", "n=daniel,r=x", "n,,", false});
    const std::vector<priv::Message> none;
    struct Case {
        std::uint16_t type;
        std::string payload;
    };
    const Case cases[] = {{CheckPassword::row.type, good + "x"},
                          {CheckPassword::row.type, good.substr(0, good.size() - 1)},
                          {CheckPassword::row.type, ""},
                          {ScramFinal::row.type, to_bytes(ScramFinal{"n=daniel,r=x", std::string(32, 'x')})},
                          {ScramFirst::row.type, other_mechanism.substr(0, other_mechanism.size() - 1) + "\2"},
                          {8, good}};
    for (const Case& c : cases) {
        FakeLink link(*loop);
        LoginSession session(service(), link, info(), nullptr);
        session.handle(message(c.type, c.payload));
        EXPECT_FALSE(link.killed.empty()) << c.type << " " << c.payload.size();
        EXPECT_TRUE(link.answers.empty());
    }
}

TEST_F(LoginTest, ASecondRequestWhileOneIsUnderWayKills) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    send_password(session, "daniel", "hungry");
    send_password(session, "daniel", "hungry");
    EXPECT_NE(link.killed.find("under way"), std::string::npos);
}

TEST_F(LoginTest, NoFinishedWorkerStaysBehind) {
    while (::waitpid(-1, nullptr, 0) > 0) continue; // of services that earlier tests destroyed
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    ASSERT_TRUE(login(session, link, "daniel", "hungry").ok());
    run_for(Millis(400));
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD) << "a child is left, dead or alive";
}

TEST_F(LoginTest, HostileNamesAreEscapedBehindTheAddress) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    EXPECT_FALSE(login(session, link, "x\" rip=10.0.0.1\r\nauth-ok", "y").ok());
    ASSERT_EQ(logged.lines.size(), 1U);
    EXPECT_EQ(logged.lines[0].find("rip=192.0.2.7"), std::string("auth-fail service=pop3d ").size());
    EXPECT_NE(logged.lines[0].find("user=\"x\\x22 rip=10.0.0.1\\x0d\\x0aauth-ok\""), std::string::npos);
}

TEST_F(LoginTest, PasswordsNeverReachTheLog) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    static_cast<void>(login(session, link, "daniel", "s3cr3t-guess"));
    static_cast<void>(login(session, link, "daniel", "hungry"));
    for (const std::string& line : logged.lines) {
        EXPECT_EQ(line.find("s3cr3t-guess"), std::string::npos);
        EXPECT_EQ(line.find("hungry"), std::string::npos);
    }
}

// ---- SCRAM ---------------------------------------------------------------------------------------------------------

struct ScramLoginTest : LoginTest {
    // The parts of a client: what it says, and what the server's first message means.
    struct Client {
        std::string user;
        std::string bare;
        std::string server_first;
        std::string nonce;
        std::string salt;
        std::uint32_t iterations = 0;
        [[nodiscard]] std::string auth_message() const { return bare + "," + server_first + ",c=biws,r=" + nonce; }
    };
    Client first(LoginSession& session, FakeLink& link, const std::string& user) {
        Client c;
        c.user = user;
        c.bare = "n=" + user + ",r=fyko+d2lbbFgONRv9qkxdawL";
        const auto body = ask(session, link, message(ScramFirst{user, c.bare, "n,,", false}));
        EXPECT_TRUE(body.ok());
        c.server_first = from_bytes<ServerFirst>(*body)->message;
        const std::size_t s = c.server_first.find(",s=");
        const std::size_t i = c.server_first.find(",i=");
        c.nonce = c.server_first.substr(2, s - 2);
        c.salt = *auth::unbase64(c.server_first.substr(s + 3, i - s - 3));
        c.iterations = static_cast<std::uint32_t>(std::stoul(c.server_first.substr(i + 3)));
        return c;
    }
    Result<std::string> last(LoginSession& session, FakeLink& link, const std::string& auth_message,
                             const std::string& proof) {
        return ask(session, link, message(ScramFinal{auth_message, proof}));
    }
};

TEST_F(ScramLoginTest, AWholeExchangeLogsInAndProvesTheServer) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    const Client c = first(session, link, "daniel");
    EXPECT_EQ(c.iterations, auth::scram_iterations_least);
    EXPECT_EQ(c.nonce.rfind("fyko+d2lbbFgONRv9qkxdawL", 0), 0U);
    EXPECT_GT(c.nonce.size(), 24U + 18U);
    const auto proof = auth::client_final("hungry", c.salt, c.iterations, c.auth_message());
    const auto body = last(session, link, c.auth_message(), proof.proof);
    ASSERT_TRUE(body.ok()) << body.error().describe();
    const auto in = from_bytes<LoggedIn>(*body);
    EXPECT_EQ(in->name, "daniel");
    EXPECT_EQ(in->server_signature, proof.server_signature);
    EXPECT_EQ(link.phase(), after_login);
    EXPECT_NE(logged.lines[0].find("method=SCRAM-SHA-256"), std::string::npos);
}

TEST_F(ScramLoginTest, AWrongPasswordIsDenied) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    const Client c = first(session, link, "daniel");
    const auto proof = auth::client_final("Hungry", c.salt, c.iterations, c.auth_message());
    EXPECT_EQ(last(session, link, c.auth_message(), proof.proof).error().code, Errc::denied);
}

TEST_F(ScramLoginTest, AnotherNonceThanOursIsDeniedEvenWithACorrectProof) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    const Client c = first(session, link, "daniel");
    // A recorded exchange: everything fits together, but the nonce is not this session's.
    const std::string nonce = "fyko+d2lbbFgONRv9qkxdawLrecorded";
    const std::string replay = c.bare + ",r=" + nonce + ",s=" + auth::base64(c.salt) + ",i=4096,c=biws,r=" + nonce;
    const auto proof = auth::client_final("hungry", c.salt, c.iterations, replay);
    EXPECT_EQ(last(session, link, replay, proof.proof).error().code, Errc::denied);
    EXPECT_NE(logged.lines.back().find("reason=wrong-exchange"), std::string::npos);
    EXPECT_EQ(link.phase(), before_login);
}

TEST_F(ScramLoginTest, AnExchangeServesOnce) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    const Client c = first(session, link, "daniel");
    EXPECT_FALSE(last(session, link, c.auth_message(), std::string(32, 'x')).ok());
    const auto proof = auth::client_final("hungry", c.salt, c.iterations, c.auth_message());
    session.handle(message(ScramFinal{c.auth_message(), proof.proof}));
    EXPECT_NE(link.killed.find("scram_final: without scram_first"), std::string::npos);
}

TEST_F(ScramLoginTest, NoncesNeverRepeat) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    EXPECT_NE(first(session, link, "daniel").nonce, first(session, link, "daniel").nonce);
}

TEST_F(ScramLoginTest, AnUnknownUserSeesAStableSaltAndIsDeniedAtTheEnd) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    const std::string salt = first(session, link, "nobody").salt;
    service_.reset(); // a restart: the secret is in the file
    LoginSession later(service(), link, info(), nullptr);
    const Client c = first(later, link, "nobody");
    EXPECT_EQ(c.salt, salt);
    const auto proof = auth::client_final("hungry", c.salt, c.iterations, c.auth_message());
    EXPECT_EQ(last(later, link, c.auth_message(), proof.proof).error().code, Errc::denied);
    EXPECT_NE(logged.lines.back().find("reason=unknown-user"), std::string::npos);
}

TEST_F(ScramLoginTest, AMessageWithoutAUsableNonceIsInvalid) {
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), nullptr);
    const auto body = ask(session, link, message(ScramFirst{"daniel", "n=daniel", "n,,", false}));
    EXPECT_EQ(body.error().code, Errc::invalid);
}

// ---- a daemon's own method ----

struct OwnMethodTest : LoginTest {
    // Answers with what decide() says of daniel; the users file and the account's name are what it was told.
    DaemonMethod method(std::string proof) const {
        const auto decide = [proof, expected = config.users_file](const std::string& file, const std::string& name) {
            auth::Decision out;
            const bool right = proof == "right" && file == expected && name == "daniel";
            out.outcome = right ? auth::Outcome::accepted : auth::Outcome::refused;
            if (right) out.account.name = name;
            if (right) out.account.uid = 70'000;
            if (!right) out.reason = "bad-password";
            return out;
        };
        return {priv::first_daemon_request, "OWN", "daniel@micasa.test", std::move(proof), decide};
    }
    FakeLink link{*loop};
    LoginSession session{service(), link, info(), nullptr};
};

TEST_F(OwnMethodTest, GoesTheWayOfTheOthers) {
    ASSERT_TRUE(session.attempt(method("right")).ok());
    const auto body = wait(link, 0);
    ASSERT_TRUE(body.ok()) << body.error().describe();
    EXPECT_EQ(from_bytes<LoggedIn>(*body)->name, "daniel");
    EXPECT_EQ(link.answers[0].type, priv::first_daemon_request);
    EXPECT_NE(logged.lines.at(0).find("auth-ok service=pop3d rip=192.0.2.7 rport=4711 user=daniel@micasa.test "
                                      "method=OWN session=42 account=daniel"),
              std::string::npos);
}

TEST_F(OwnMethodTest, ARefusalIsCountedDelayedAndTheLastOneSaysSo) {
    const Instant start = loop->clock().now();
    for (std::size_t i = 0; i < 3; ++i) {
        ASSERT_TRUE(session.attempt(method("wrong " + std::to_string(i))).ok());
        EXPECT_EQ(wait(link, i).error().code, i == 2 ? Errc::last_try : Errc::denied);
    }
    EXPECT_GE(loop->clock().now() - start, Millis(60 + 120));
    EXPECT_EQ(logged.lines.size(), 3U);
}

TEST_F(OwnMethodTest, WhileALoginIsUnderWayItIsABreach) {
    send_password(session, "daniel", "hungry");
    const auto second = session.attempt(method("right"));
    EXPECT_EQ(second.error().code, Errc::protocol);
    EXPECT_TRUE(wait(link, 0).ok()) << "the first goes on";
    ASSERT_TRUE(session.attempt(method("right")).ok());
    send_password(session, "daniel", "hungry");
    EXPECT_EQ(link.killed, "check_password: while a login is under way");
}

// ---- the protocol ----

// What a client can say is bounded by its line: all of it passes, and what is longer is refused where it is said.
TEST(LoginProtocol, RequestsAreAsLongAsTheirRowsPermit) {
    const auto x = [](std::size_t n) { return std::string(n, 'x'); };
    const auto password = [&](std::size_t n) { return priv::encode_request(CheckPassword{x(255), Secret(x(n))}); };
    EXPECT_TRUE(password(900).ok());
    EXPECT_EQ(password(1200 - 255 - 4)->size(), priv::row_of<CheckPassword>.max_bytes);
    EXPECT_EQ(password(1200 - 255 - 3).error().code, Errc::denied) << "as a wrong one";
    EXPECT_TRUE(priv::encode_request(ScramFirst{x(255), x(700), x(300), true}).ok());
    EXPECT_FALSE(priv::encode_request(ScramFirst{x(255), x(1100), x(300), true}).ok());
    EXPECT_TRUE(priv::encode_request(ScramFinal{x(3'000), x(32)}).ok());
    EXPECT_FALSE(priv::encode_request(ScramFinal{x(3'100), x(32)}).ok());
}

} // namespace
} // namespace posada::service
