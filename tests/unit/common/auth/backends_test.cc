// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/backends.h"

#include <gtest/gtest.h>

#include "common/auth/scram.h"
#include "common/auth/users_file.h"
#include "tests/unit/common/auth/scratch.h"

namespace posada::auth {
namespace {

// Stands for PAM: knows one name.
struct OneUser final : Backend {
    explicit OneUser(std::string n) : name(std::move(n)) {}
    Decision check(const Attempt& attempt, Hasher& hasher) override {
        ++asked;
        Decision out;
        if (attempt.user != name) return out;
        hasher.junk(attempt.password);
        out.outcome = attempt.password == "right" ? Outcome::accepted : Outcome::refused;
        out.reason = "bad-password";
        out.account.name = name;
        out.account.uid = 1234;
        return out;
    }
    std::string name;
    int asked = 0;
};

struct BackendsTest : testing::Test {
    BackendsTest() {
        Hasher cheap(1);
        UserEntry daniel;
        daniel.name = "daniel.morato";
        daniel.hash = *cheap.hash("hungry");
        daniel.scram = derive_verifier("hungry", "0123456789abcdef", scram_iterations_least);
        daniel.uid = daniel.gid = 70'000;
        daniel.home = "/var/lib/posada/mail/micasa.test/daniel.morato";
        UserEntry locked = daniel;
        locked.name = "locked";
        locked.hash = "!" + daniel.hash;
        UserEntry plain = daniel;
        plain.name = "plain";
        plain.scram.reset();
        path = scratch.write("users", daniel.line() + "\n" + locked.line() + "\n" + plain.line() + "\nbroken:line\n");
    }
    Decision login(std::string_view user, std::string_view password) {
        UsersBackend users(path);
        Backend* const order[] = {&users, &other};
        Attempt attempt;
        attempt.user = user;
        attempt.password = password;
        const std::uint64_t before = hasher.calls();
        Decision out = decide(order, attempt, hasher);
        hashes = hasher.calls() - before;
        return out;
    }
    test::Scratch scratch;
    std::string path;
    OneUser other{"lir"};
    Hasher hasher{1};
    std::uint64_t hashes = 0;
};

TEST_F(BackendsTest, TheRightPasswordGivesTheAccountOfTheFile) {
    const Decision d = login("daniel.morato", "hungry");
    EXPECT_EQ(d.outcome, Outcome::accepted);
    EXPECT_EQ(d.account.name, "daniel.morato");
    EXPECT_EQ(d.account.uid, 70'000U);
    EXPECT_TRUE(d.account.virtual_user);
    EXPECT_EQ(other.asked, 0);
}

TEST_F(BackendsTest, TheCaseOfAUsersFileNameDoesNotMatter) {
    EXPECT_EQ(login("Daniel.Morato", "hungry").account.name, "daniel.morato");
}

TEST_F(BackendsTest, TheFirstBackendThatKnowsTheNameDecides) {
    other.name = "daniel.morato";
    EXPECT_EQ(login("daniel.morato", "right").outcome, Outcome::refused);
    EXPECT_EQ(other.asked, 0) << "a wrong password is not retried elsewhere";
}

TEST_F(BackendsTest, ANameTheFirstDoesNotKnowIsAskedOfTheSecond) {
    EXPECT_EQ(login("lir", "right").outcome, Outcome::accepted);
    EXPECT_EQ(login("lir", "wrong").outcome, Outcome::refused);
}

TEST_F(BackendsTest, KnownUnknownLockedAndMalformedNamesAllCostExactlyOneHash) {
    EXPECT_EQ(login("daniel.morato", "hungry").outcome, Outcome::accepted);
    EXPECT_EQ(hashes, 1U);
    EXPECT_EQ(login("daniel.morato", "wrong").reason, "bad-password");
    EXPECT_EQ(hashes, 1U);
    EXPECT_EQ(login("nobody-here", "wrong").reason, "unknown-user");
    EXPECT_EQ(hashes, 1U);
    EXPECT_EQ(login("locked", "hungry").reason, "account-locked");
    EXPECT_EQ(hashes, 1U);
    EXPECT_EQ(login("lir", "wrong").reason, "bad-password");
    EXPECT_EQ(hashes, 1U);
    EXPECT_EQ(login("", "wrong").reason, "bad-name");
    EXPECT_EQ(hashes, 1U);
    EXPECT_EQ(login(std::string(256, 'x'), "wrong").reason, "bad-name");
    EXPECT_EQ(hashes, 1U);
    EXPECT_EQ(login("daniel.morato", "").reason, "empty-password");
    EXPECT_EQ(hashes, 1U);
    EXPECT_EQ(login("daniel.morato", std::string(900, 'x')).reason, "password-too-long");
    EXPECT_EQ(hashes, 1U);
}

// CVE-2019-11500 and its kin: a NUL must not end the text for one program and not for the other.
TEST_F(BackendsTest, ANulInNameOrPasswordIsRefusedNeverTruncated) {
    EXPECT_EQ(login(std::string("daniel.morato\0x", 15), "hungry").outcome, Outcome::refused);
    EXPECT_EQ(login(std::string("daniel.morato\0", 14), "hungry").outcome, Outcome::refused);
    EXPECT_EQ(login("daniel.morato", std::string("hungry\0", 7)).reason, "nul-in-password");
    EXPECT_EQ(login("daniel.morato", std::string("hungry\0x", 8)).outcome, Outcome::refused);
    EXPECT_EQ(login("daniel.morato", std::string("\0", 1)).outcome, Outcome::refused);
}

// CVE-2019-10691: an invalid UTF-8 name is a failed login and nothing more.
TEST_F(BackendsTest, EightBitNamesFailAsOrdinaryLogins) {
    EXPECT_EQ(login("\xff\xfe\x80", "hungry").reason, "unknown-user");
    EXPECT_EQ(login("dani\xc3\xa9l", "hungry").reason, "unknown-user");
    EXPECT_EQ(login("daniel.morato", "hungry").outcome, Outcome::accepted);
}

// CVE-2017-2669, CVE-2026-24031, CVE-2026-27860: nothing in a name is a variable, a query or a filter.
TEST_F(BackendsTest, NamesThatLookLikeTemplatesOrQueriesAreOnlyNames) {
    for (const char* name : {"%{home}", "%u", "'; --", "*)(uid=*", "daniel*", "daniel.morato'", "$(id)", "-f root",
                             "../daniel.morato", "daniel.morato:x", "*"})
        EXPECT_EQ(login(name, "hungry").reason, "unknown-user") << name;
}

TEST_F(BackendsTest, ABrokenLineOfAUserIsTemporaryAndNotAnotherBackendsBusiness) {
    other.name = "broken";
    const Decision d = login("broken", "right");
    EXPECT_EQ(d.outcome, Outcome::unavailable);
    EXPECT_NE(d.detail.find("users:4:"), std::string::npos) << d.detail;
    EXPECT_EQ(other.asked, 0);
}

TEST_F(BackendsTest, AnUnreadableUsersFileIsTemporaryForEverybody) {
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    const Decision d = login("lir", "right");
    EXPECT_EQ(d.outcome, Outcome::unavailable);
    EXPECT_EQ(d.reason, "users-file");
    EXPECT_NE(d.detail.find("chmod 600"), std::string::npos);
}

TEST_F(BackendsTest, WithoutAnyBackendALoginIsTemporary) {
    Attempt attempt;
    attempt.user = "lir";
    attempt.password = "x";
    EXPECT_EQ(decide({}, attempt, hasher).outcome, Outcome::unavailable);
}

// CVE-2025-30189: the second login must not get the first one's identity.
TEST_F(BackendsTest, OneAfterTheOtherEachGetsTheirOwnIdentity) {
    EXPECT_EQ(login("daniel.morato", "hungry").account.uid, 70'000U);
    EXPECT_EQ(login("lir", "right").account.uid, 1234U);
    EXPECT_EQ(login("daniel.morato", "hungry").account.uid, 70'000U);
}

TEST_F(BackendsTest, ADecisionSurvivesThePipe) {
    Decision in = login("daniel.morato", "hungry");
    in.reason = "r";
    in.detail = std::string(5000, 'd');
    in.server_final = std::string("\0\xff", 2);
    const auto out = decode_decision(encode_decision(in));
    ASSERT_TRUE(out.ok());
    EXPECT_EQ(out->outcome, Outcome::accepted);
    EXPECT_EQ(out->account.name, in.account.name);
    EXPECT_EQ(out->account.home, in.account.home);
    EXPECT_EQ(out->account.gid, in.account.gid);
    EXPECT_EQ(out->server_final, in.server_final);
    EXPECT_EQ(out->detail.size(), 2000U);
}

TEST_F(BackendsTest, AnAcceptedDecisionForRootOrNobodyIsMalformed) {
    Decision root = login("daniel.morato", "hungry");
    root.account.uid = 0;
    EXPECT_FALSE(decode_decision(encode_decision(root)).ok());
    Decision nameless = login("daniel.morato", "hungry");
    nameless.account.name.clear();
    EXPECT_FALSE(decode_decision(encode_decision(nameless)).ok());
    std::string bytes = encode_decision(login("daniel.morato", "hungry"));
    EXPECT_FALSE(decode_decision(bytes + "x").ok());
    bytes[0] = 9;
    EXPECT_FALSE(decode_decision(bytes).ok());
    EXPECT_FALSE(decode_decision("").ok());
}

struct ScramBackendTest : BackendsTest {
    // A whole exchange as a client that knows this password would have it.
    Decision exchange(const std::string& user, const std::string& password) {
        const auto start = scram_start(path, user, "secret");
        const std::string message =
            "n=" + user + ",r=abc,r=abcdef,s=" + base64(start->salt) + ",i=4096,c=biws,r=abcdef";
        const ScramClientFinal client = client_final(password, start->salt, start->iterations, message);
        expected_signature = client.server_signature;
        return scram_finish(path, user, message, client.proof);
    }
    std::string expected_signature;
};

TEST_F(ScramBackendTest, TheRightPasswordLogsInAndTheServerProvesItself) {
    const Decision d = exchange("daniel.morato", "hungry");
    EXPECT_EQ(d.outcome, Outcome::accepted);
    EXPECT_EQ(d.account.uid, 70'000U);
    EXPECT_EQ(d.server_final, expected_signature);
}

TEST_F(ScramBackendTest, WrongLockedUnknownAndVerifierlessUsersAreRefused) {
    EXPECT_EQ(exchange("daniel.morato", "Hungry").reason, "bad-password");
    EXPECT_EQ(exchange("locked", "hungry").reason, "account-locked");
    EXPECT_EQ(exchange("plain", "hungry").reason, "no-scram-verifier");
    EXPECT_EQ(exchange("nobody", "hungry").reason, "unknown-user");
    EXPECT_EQ(scram_finish(path, "broken", "n=broken", "").outcome, Outcome::unavailable);
    EXPECT_EQ(scram_start(path, "broken", "secret").error().code, Errc::unavailable);
    EXPECT_TRUE(exchange("nobody", "hungry").server_final.empty());
}

TEST_F(ScramBackendTest, AnUnknownNameLooksLikeAKnownOne) {
    const auto first = scram_start(path, "nobody", "secret");
    const auto second = scram_start(path, "nobody", "secret");
    const auto other_case = scram_start(path, "NoBody", "secret");
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(first->salt, second->salt);
    EXPECT_EQ(first->salt, other_case->salt);
    EXPECT_EQ(first->salt.size(), scram_start(path, "daniel.morato", "secret")->salt.size());
    EXPECT_EQ(first->iterations, scram_iterations);
    EXPECT_NE(first->salt, scram_start(path, "nobody2", "secret")->salt);
    EXPECT_NE(first->salt, scram_start(path, "nobody", "another")->salt);
    EXPECT_EQ(scram_start(path, "plain", "secret")->salt, junk_salt("secret", "plain"));
}

} // namespace
} // namespace posada::auth
