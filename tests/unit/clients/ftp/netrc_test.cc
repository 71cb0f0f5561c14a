// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/netrc.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace posada::ftp {

constexpr const char* sample = "machine a.example login ana password \"s l\" account x\n"
                               "\tmacdef init\n\tcd pub\n\tls\n\n"
                               "machine b.example\n login bea\n password p\\ q\n"
                               "default login anonymous password ana@\n";

TEST(Netrc, EntriesAreFoundByHostAndUser) {
    const auto entries = parse_netrc(sample);
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 3U);
    const NetrcEntry* ana = find_entry(*entries, "A.example", "");
    ASSERT_NE(ana, nullptr);
    EXPECT_EQ(ana->login.user, "ana");
    EXPECT_EQ(ana->login.password, "s l");
    EXPECT_EQ(ana->login.account, "x");
    EXPECT_EQ(find_entry(*entries, "b.example", "bea")->login.password, "p q");
    EXPECT_EQ(find_entry(*entries, "c.example", "")->login.user, "anonymous");
    EXPECT_EQ(find_entry(*entries, "a.example", "bea"), nullptr);
}

TEST(Netrc, AMacroEndsAtAnEmptyLine) {
    const auto entries = parse_netrc(sample);
    ASSERT_TRUE(entries);
    EXPECT_EQ(entries->front().macros.at("init"), (std::vector<std::string>{"cd pub", "ls"}));
}

TEST(Netrc, UnknownWordsAreRefused) {
    EXPECT_FALSE(parse_netrc("login ana"));
    EXPECT_FALSE(parse_netrc("machine a secret b"));
    EXPECT_FALSE(parse_netrc("machine"));
    EXPECT_TRUE(parse_netrc(""));
}

class NetrcFile : public ::testing::Test {
  protected:
    void SetUp() override {
        char path[] = "/tmp/posada-netrc-XXXXXX";
        file_ = UniqueFd(::mkstemp(path));
        path_ = path;
        ASSERT_TRUE(write_all(file_.get(), "machine h login ana password secret\n"));
        ::setenv("NETRC", path, 1);
    }
    void TearDown() override {
        ::unsetenv("NETRC");
        ::unlink(path_.c_str());
    }
    UniqueFd file_;
    std::string path_;
};

TEST_F(NetrcFile, CompletesALogin) {
    Login login;
    ASSERT_TRUE(add_netrc(login, "h"));
    EXPECT_EQ(login.user, "ana");
    EXPECT_EQ(login.password, "secret");
    Login other;
    other.user = "bea";
    ASSERT_TRUE(add_netrc(other, "h"));
    EXPECT_EQ(other.password, std::nullopt);
}

TEST_F(NetrcFile, IsRefusedWhenOthersMayReadThePassword) {
    for (const mode_t mode : {0640U, 0604U, 0660U}) {
        ASSERT_EQ(::fchmod(file_.get(), mode), 0);
        Login login;
        EXPECT_FALSE(add_netrc(login, "h")) << mode;
        EXPECT_EQ(login.password, std::nullopt);
    }
}

TEST_F(NetrcFile, NoFileIsNoFailure) {
    ::setenv("NETRC", "/nonexistent/netrc", 1);
    Login login;
    EXPECT_TRUE(add_netrc(login, "h"));
}

} // namespace posada::ftp
