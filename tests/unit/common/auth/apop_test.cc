// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/apop.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include "common/auth/backends.h"
#include "common/auth/hasher.h"
#include "common/auth/users_file.h"
#include "common/base/fd.h"

using namespace posada;
using namespace posada::auth;

namespace {

struct ApopUsers : ::testing::Test {
    void SetUp() override {
        char name[] = "/tmp/posada-apop-XXXXXX";
        const UniqueFd fd(::mkstemp(name));
        path = name;
        const std::string hash = *Hasher(1).hash("another password");
        const std::string secret = "70000:70000:/home/x:apop=" + base64("tanstaaf") + "\n";
        ASSERT_TRUE(write_all(fd.get(), "mrose:" + hash + "::" + secret + "locked:!" + hash + "::" + secret +
                                            "plain:" + hash + "::70001:70001:/home/plain\n")
                        .ok());
    }
    void TearDown() override { ::unlink(path.c_str()); }
    [[nodiscard]] Decision check(std::string_view user, std::string_view digest) const {
        return apop_check(path, user, "<1896.697170952@dbc.mtview.ca.us>", digest);
    }
    std::string path;
};

constexpr const char* right = "c4c9334bac560ecc979e58001b3e22fb";

} // namespace

TEST(Apop, TheDigestIsThatOfTheRfc) { EXPECT_EQ(apop_digest("<1896.697170952@dbc.mtview.ca.us>", "tanstaaf"), right); }

TEST(Apop, EveryChallengeIsAnotherAndAMessageId) {
    const std::string one = apop_challenge("mail.micasa.test");
    EXPECT_NE(one, apop_challenge("mail.micasa.test"));
    EXPECT_EQ(one.front(), '<');
    EXPECT_TRUE(one.ends_with("@mail.micasa.test>"));
    EXPECT_EQ(one.size(), 32 + std::string("<@mail.micasa.test>").size());
}

TEST_F(ApopUsers, OnlyTheRightDigestOfAUserWithASecretIsAccepted) {
    EXPECT_EQ(check("mrose", right).outcome, Outcome::accepted);
    EXPECT_EQ(check("MRose", right).account.name, "mrose");
    EXPECT_EQ(check("mrose", "c4c9334bac560ecc979e58001b3e22fc").reason, "bad-password");
    EXPECT_EQ(check("mrose", "").reason, "bad-password");
    EXPECT_EQ(check("locked", right).reason, "account-locked");
    EXPECT_EQ(check("plain", right).reason, "no-apop-secret");
    EXPECT_EQ(check("nobody", right).reason, "unknown-user");
}

// The word that stands in for a secret nobody has.
TEST_F(ApopUsers, WhatIsComputedForAnUnknownNameIsNeverRight) {
    const std::string guess = apop_digest("<1896.697170952@dbc.mtview.ca.us>", "none");
    for (const char* user : {"mrose", "locked", "plain", "nobody"})
        EXPECT_EQ(check(user, guess).outcome, Outcome::refused) << user;
}

TEST_F(ApopUsers, ADigestOfAnotherChallengeIsRefused) {
    EXPECT_EQ(apop_check(path, "mrose", "<1897.697170952@dbc.mtview.ca.us>", right).reason, "bad-password");
}

TEST(Apop, TheSecretIsAnOptionOfTheUser) {
    const auto options = UserOptions::parse("quota=1M,apop=" + base64("a,b:c="));
    ASSERT_TRUE(options.ok());
    EXPECT_EQ(options->apop, "a,b:c=");
    EXPECT_EQ(UserOptions::parse(options->text())->apop, "a,b:c=");
    for (const char* text : {"apop=", "apop=x", "apop=AA==", "apop=not base64"})
        EXPECT_FALSE(UserOptions::parse(text).ok()) << text;
}
