// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/sasl.h"

#include <gtest/gtest.h>

#include "common/proto/base64.h"

namespace posada::proto {
namespace {

std::string b64(std::string_view text) { return base64_encode(text); }
std::string plain(std::string_view authzid, std::string_view user, std::string_view password) {
    std::string out(authzid);
    return b64(out.append(1, '\0').append(user).append(1, '\0').append(password));
}

template <class T>
const T* as(const SaslStep& step) {
    return std::get_if<T>(&step);
}
::testing::AssertionResult fails(const SaslStep& step, SaslFault fault) {
    const auto* failed = as<SaslFailed>(step);
    if (failed == nullptr) return ::testing::AssertionFailure() << "it did not fail";
    if (failed->fault != fault) return ::testing::AssertionFailure() << failed->why;
    return ::testing::AssertionSuccess();
}
SaslStep try_plain(std::string_view line) { return SaslServer(SaslMechanism::plain).start(line); }

TEST(SaslNames, AreFoundWithoutCase) {
    EXPECT_EQ(find_mechanism("plain"), SaslMechanism::plain);
    EXPECT_EQ(find_mechanism("Scram-SHA-256-plus"), SaslMechanism::scram_sha_256_plus);
    EXPECT_EQ(mechanism_name(SaslMechanism::login), "LOGIN");
    EXPECT_EQ(find_mechanism("CRAM-MD5"), std::nullopt);
    EXPECT_EQ(find_mechanism(""), std::nullopt);
}

TEST(SaslPlain, InitialResponse) {
    const SaslStep step = try_plain(plain("", "daniel.morato", "hungry"));
    ASSERT_NE(as<CheckPassword>(step), nullptr);
    EXPECT_EQ(as<CheckPassword>(step)->user, "daniel.morato");
    EXPECT_EQ(as<CheckPassword>(step)->password.view(), "hungry");
}

TEST(SaslPlain, WithoutInitialResponse) {
    SaslServer server(SaslMechanism::plain);
    const SaslStep first = server.start(std::nullopt);
    ASSERT_NE(as<SaslChallenge>(first), nullptr);
    EXPECT_EQ(as<SaslChallenge>(first)->text, "");
    EXPECT_NE(as<CheckPassword>(server.response(plain("", "a", "b"))), nullptr);
}

TEST(SaslPlain, AuthzidMustBeEmptyOrEqual) {
    EXPECT_NE(as<CheckPassword>(try_plain(plain("a", "a", "b"))), nullptr);
    EXPECT_TRUE(fails(try_plain(plain("root", "a", "b")), SaslFault::denied));
}

TEST(SaslPlain, ExactlyTwoNuls) {
    EXPECT_TRUE(fails(try_plain(b64("ab")), SaslFault::malformed));
    EXPECT_TRUE(fails(try_plain(b64(std::string("a\0b", 3))), SaslFault::malformed));
    EXPECT_TRUE(fails(try_plain(b64(std::string("\0a\0b\0", 5))), SaslFault::malformed));
    EXPECT_TRUE(fails(try_plain("="), SaslFault::malformed));
    EXPECT_TRUE(fails(try_plain(plain("", "", "b")), SaslFault::malformed));
    EXPECT_TRUE(fails(try_plain(plain("", "a", "")), SaslFault::denied));
}

// Reference list row 22.
TEST(SaslPlain, BadBase64) {
    for (const char* bad : {"A", "AA", "AAA", "AAAAA", "AA==AA", "!!!!", "AGEAYg", " AGEAYg==", ""})
        EXPECT_TRUE(fails(try_plain(bad), SaslFault::malformed)) << bad;
    EXPECT_TRUE(fails(try_plain(std::string(1 << 20, 'A')), SaslFault::malformed));
}

TEST(SaslPlain, Bounds) {
    EXPECT_NE(as<CheckPassword>(try_plain(plain("", std::string(255, 'u'), std::string(512, 'p')))), nullptr);
    EXPECT_TRUE(fails(try_plain(plain("", std::string(256, 'u'), "p")), SaslFault::denied));
    EXPECT_TRUE(fails(try_plain(plain("", "u", std::string(513, 'p'))), SaslFault::denied));
}

// Row 25: a newline in the user name never reaches a helper.
TEST(SaslPlain, ControlBytesInTheNameAreDenied) {
    for (const char* bad : {"a\nb", "a\rb",
                            "a\x1b"
                            "b",
                            "\x7f", "a\xff"})
        EXPECT_TRUE(fails(try_plain(plain("", bad, "p")), SaslFault::denied)) << bad;
}

TEST(SaslServer, StarCancelsAndTheObjectIsUsedUp) {
    SaslServer server(SaslMechanism::plain);
    (void)server.start(std::nullopt);
    EXPECT_TRUE(fails(server.response("*"), SaslFault::cancelled));
    EXPECT_TRUE(fails(server.response(plain("", "a", "b")), SaslFault::malformed));
    EXPECT_TRUE(fails(server.start(plain("", "a", "b")), SaslFault::malformed));
}

TEST(SaslServer, FailureUsesTheObjectUp) {
    SaslServer other(SaslMechanism::plain);
    EXPECT_TRUE(fails(other.start(b64("x")), SaslFault::malformed));
    EXPECT_TRUE(fails(other.response(plain("", "a", "b")), SaslFault::malformed));
}

TEST(SaslLogin, AsksForNameAndPassword) {
    SaslServer server(SaslMechanism::login);
    const SaslStep name = server.start(std::nullopt);
    EXPECT_EQ(as<SaslChallenge>(name)->text, "Username:");
    const SaslStep password = server.response(b64("lir"));
    EXPECT_EQ(as<SaslChallenge>(password)->text, "Password:");
    const SaslStep check = server.response(b64("pamplona"));
    ASSERT_NE(as<CheckPassword>(check), nullptr);
    EXPECT_EQ(as<CheckPassword>(check)->user, "lir");
    EXPECT_EQ(as<CheckPassword>(check)->password.view(), "pamplona");
    EXPECT_TRUE(fails(server.response(b64("more")), SaslFault::malformed));
}

TEST(SaslLogin, NameAsInitialResponse) {
    SaslServer server(SaslMechanism::login);
    EXPECT_EQ(as<SaslChallenge>(server.start(b64("lir")))->text, "Password:");
    EXPECT_TRUE(fails(server.response(""), SaslFault::denied));
}

TEST(SaslLogin, BadNames) {
    EXPECT_TRUE(fails(SaslServer(SaslMechanism::login).start("="), SaslFault::malformed));
    EXPECT_TRUE(fails(SaslServer(SaslMechanism::login).start(b64("a\nb")), SaslFault::denied));
}

// ---- SCRAM, with the exchange of RFC 7677 3.

constexpr const char* client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr const char* server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr const char* client_final = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                     "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

TEST(SaslScram, Rfc7677Exchange) {
    SaslServer server(SaslMechanism::scram_sha_256);
    const SaslStep first = server.start(b64(client_first));
    const auto* ask = as<SaslScramFirst>(first);
    ASSERT_NE(ask, nullptr);
    EXPECT_EQ(ask->user, "user");
    EXPECT_EQ(ask->client_first_bare, "n=user,r=rOprNGfwEbeRWgbNEkqO");
    EXPECT_EQ(ask->gs2_header, "n,,");
    EXPECT_EQ(ask->mechanism, "SCRAM-SHA-256");
    EXPECT_EQ(as<SaslChallenge>(server.scram_started(server_first))->text, server_first);
    const SaslStep final = server.response(b64(client_final));
    const auto* verify = as<SaslScramFinal>(final);
    ASSERT_NE(verify, nullptr);
    EXPECT_EQ(verify->auth_message, std::string("n=user,r=rOprNGfwEbeRWgbNEkqO,") + server_first +
                                        ",c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    EXPECT_EQ(b64(verify->client_proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    const auto signature = base64_decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", 32);
    const SaslStep last = server.scram_verified(*signature, "user");
    EXPECT_EQ(as<SaslChallenge>(last)->text, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    const SaslStep done = server.response("");
    ASSERT_NE(as<SaslDone>(done), nullptr);
    EXPECT_EQ(as<SaslDone>(done)->account, "user");
}

SaslStep scram(std::string_view message, SaslMechanism mechanism = SaslMechanism::scram_sha_256,
               std::string exporter = {}, bool plus_offered = false) {
    return SaslServer(mechanism, std::move(exporter), plus_offered).start(b64(message));
}

TEST(SaslScram, ClientFirstForms) {
    EXPECT_EQ(as<SaslScramFirst>(scram("n,a=u,n=u,r=x"))->gs2_header, "n,a=u,");
    EXPECT_EQ(as<SaslScramFirst>(scram("y,,n=a=2Cb=3Dc,r=x,ext=1"))->user, "a,b=c");
    EXPECT_TRUE(fails(scram("n,a=root,n=u,r=x"), SaslFault::denied));
    for (const char* bad : {"", "n", "n,", "n,,", "n,,n=u", "n,,n=u,", "n,,n=u,r=", "n,,r=x,n=u", "n,,m=1,n=u,r=x",
                            "x,,n=u,r=x", "p=tls-unique,,n=u,r=x", "n,b=u,n=u,r=x", "n,,n=a=2c,r=x", "n,,n=a=,r=x",
                            "n,,n=,r=x", "n,,n=u,r=a b", ",,n=u,r=x", "n,a=,n=u"})
        EXPECT_TRUE(fails(scram(bad), SaslFault::malformed)) << bad;
    EXPECT_TRUE(fails(scram("n,,n=u,r=" + std::string(257, 'x')), SaslFault::malformed));
    EXPECT_TRUE(fails(scram("n,,n=a\nb,r=x"), SaslFault::denied));
}

TEST(SaslScram, ChannelBindingDowngradeIsSeen) {
    EXPECT_NE(as<SaslScramFirst>(scram("y,,n=u,r=x", SaslMechanism::scram_sha_256, "exp", false)), nullptr);
    EXPECT_TRUE(fails(scram("y,,n=u,r=x", SaslMechanism::scram_sha_256, "exp", true), SaslFault::denied));
}

TEST(SaslScram, PlusNeedsTheExporter) {
    const auto plus = SaslMechanism::scram_sha_256_plus;
    EXPECT_TRUE(fails(scram("n,,n=u,r=x", plus, "exp", true), SaslFault::denied));
    EXPECT_TRUE(fails(scram("p=tls-unique,,n=u,r=x", plus, "exp", true), SaslFault::denied));
    EXPECT_TRUE(fails(scram("p=tls-exporter,,n=u,r=x", plus, "", true), SaslFault::denied));
    EXPECT_NE(as<SaslScramFirst>(scram("p=tls-exporter,,n=u,r=x", plus, "exp", true)), nullptr);
}

// client-final for the nonce "xS", with this binding data and proof.
SaslStep final_step(SaslMechanism mechanism, const std::string& gs2, const std::string& message,
                    const std::string& exporter = {}) {
    SaslServer server(mechanism, exporter, true);
    (void)server.start(b64(gs2 + "n=u,r=x"));
    (void)server.scram_started("r=xS,s=AAAA,i=4096");
    return server.response(b64(message));
}

TEST(SaslScram, ClientFinalIsChecked) {
    const std::string proof = ",p=" + b64(std::string(32, 'p'));
    const auto with = [](const std::string& message) {
        return final_step(SaslMechanism::scram_sha_256, "n,,", message);
    };
    EXPECT_NE(as<SaslScramFinal>(with("c=biws,r=xS" + proof)), nullptr);
    EXPECT_NE(as<SaslScramFinal>(with("c=biws,r=xS,z=1" + proof)), nullptr);
    EXPECT_TRUE(fails(with("c=biws,r=x" + proof), SaslFault::denied));
    EXPECT_TRUE(fails(with("c=eSws,r=xS" + proof), SaslFault::denied));
    EXPECT_TRUE(fails(with("c=biws,r=xS,p=" + b64("short")), SaslFault::malformed));
    EXPECT_TRUE(fails(with("c=biws,r=xS,p=" + b64(std::string(33, 'p'))), SaslFault::malformed));
    for (const char* bad : {"", "c=biws", "c=biws,r=xS", "r=xS,c=biws,p=AAAA", ",p=AAAA", "p=AAAA"})
        EXPECT_TRUE(fails(with(bad), SaslFault::malformed)) << bad;
}

TEST(SaslScram, PlusBindsTheChannel) {
    const auto plus = SaslMechanism::scram_sha_256_plus;
    const std::string gs2 = "p=tls-exporter,,";
    const std::string exporter(32, 'e');
    const std::string proof = ",p=" + b64(std::string(32, 'p'));
    EXPECT_NE(as<SaslScramFinal>(final_step(plus, gs2, "c=" + b64(gs2 + exporter) + ",r=xS" + proof, exporter)),
              nullptr);
    EXPECT_TRUE(fails(final_step(plus, gs2, "c=" + b64(gs2) + ",r=xS" + proof, exporter), SaslFault::denied));
    const std::string other = gs2 + std::string(32, 'f');
    EXPECT_TRUE(fails(final_step(plus, gs2, "c=" + b64(other) + ",r=xS" + proof, exporter), SaslFault::denied));
}

TEST(SaslScram, TheMonitorMustKeepTheClientsNonce) {
    SaslServer server(SaslMechanism::scram_sha_256);
    (void)server.start(b64("n,,n=u,r=abc"));
    EXPECT_TRUE(fails(server.scram_started("r=abX,s=AAAA,i=4096"), SaslFault::denied));
}

TEST(SaslScram, StepsOutOfOrder) {
    SaslServer server(SaslMechanism::scram_sha_256);
    EXPECT_TRUE(fails(server.scram_verified("x", "u"), SaslFault::malformed));
    SaslServer early(SaslMechanism::scram_sha_256);
    (void)early.start(b64(client_first));
    EXPECT_TRUE(fails(early.response(b64(client_final)), SaslFault::malformed));
}

// ---- client

TEST(SaslClient, Plain) {
    SaslClient client(SaslMechanism::plain, "u", Secret("p"));
    EXPECT_EQ(client.initial(), plain("", "u", "p"));
    EXPECT_FALSE(client.respond("").ok());
    SaslClient late(SaslMechanism::plain, "u", Secret("p"));
    EXPECT_EQ(late.respond("").value(), plain("", "u", "p"));
    EXPECT_FALSE(late.respond("").ok());
}

TEST(SaslClient, Login) {
    SaslClient client(SaslMechanism::login, "u", Secret("p"));
    EXPECT_EQ(client.initial(), std::nullopt);
    EXPECT_EQ(client.respond("Username:").value(), b64("u"));
    EXPECT_EQ(client.respond("Password:").value(), b64("p"));
    EXPECT_FALSE(client.respond("Again:").ok());
}

} // namespace
} // namespace posada::proto
