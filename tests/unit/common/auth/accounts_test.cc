// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/accounts.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include "common/auth/hasher.h"
#include "common/auth/secret_file.h"
#include "common/auth/users_file.h"
#include "tests/unit/common/auth/scratch.h"

namespace posada::auth {
namespace {

struct LookupTest : testing::Test {
    LookupTest() {
        UserEntry entry;
        entry.name = "daniel.morato";
        entry.hash = *Hasher(1).hash("hungry");
        entry.uid = entry.gid = 70'000;
        entry.home = "/var/lib/posada/mail/micasa.test/daniel.morato";
        sources.users_file = scratch.write("users", entry.line() + "\nbroken:line\n");
        names = *AccountNames::load(sources.users_file);
    }
    // Some account of this system with an ordinary uid; "nobody" has 65534 everywhere.
    static constexpr const char* unix_name = "nobody";
    test::Scratch scratch;
    AccountSources sources;
    AccountNames names;
};

TEST_F(LookupTest, UsersFileNamesExistInAnyCase) {
    EXPECT_TRUE(*account_exists("daniel.morato", names, sources));
    EXPECT_TRUE(*account_exists("Daniel.Morato", names, sources));
    EXPECT_FALSE(*account_exists("daniel", names, sources));
    EXPECT_EQ(names.size(), 1U);
}

TEST_F(LookupTest, SystemAccountsExistUnlessTheirUidIsLow) {
    EXPECT_TRUE(*account_exists(unix_name, names, sources));
    EXPECT_FALSE(*account_exists("root", names, sources));
    EXPECT_FALSE(*account_exists("daemon", names, sources));
    sources.first_valid_uid = 65'535;
    EXPECT_FALSE(*account_exists(unix_name, names, sources));
    sources.first_valid_uid = 1;
    EXPECT_FALSE(*account_exists("root", names, sources)) << "root has no mailbox, whatever the configuration says";
}

TEST_F(LookupTest, WithoutPamSystemAccountsDoNotExist) {
    sources.unix_accounts = false;
    EXPECT_FALSE(*account_exists(unix_name, names, sources));
    EXPECT_EQ(find_account(unix_name, sources).error().code, Errc::not_found);
}

TEST_F(LookupTest, HostileNamesDoNotExist) {
    for (const std::string& name : {std::string(), std::string("-f root"), std::string("nobody\0x", 8),
                                    std::string("../nobody"), std::string("nobody:x"), std::string("nobody "),
                                    std::string("no\nbody"), std::string("\xff\xfe"), std::string(5000, 'a')}) {
        const auto exists = account_exists(name, names, sources);
        ASSERT_TRUE(exists.ok()) << name;
        EXPECT_FALSE(*exists) << name;
    }
}

TEST_F(LookupTest, AnAccountIsRederivedFromItsNameAlone) {
    const auto virtual_user = find_account("daniel.morato", sources);
    ASSERT_TRUE(virtual_user.ok());
    EXPECT_EQ(virtual_user->uid, 70'000U);
    EXPECT_EQ(virtual_user->maildir(), "/var/lib/posada/mail/micasa.test/daniel.morato/Maildir");
    const auto unix_user = find_account(unix_name, sources);
    ASSERT_TRUE(unix_user.ok());
    EXPECT_EQ(unix_user->uid, ::getpwnam(unix_name)->pw_uid);
    EXPECT_FALSE(unix_user->virtual_user);
    EXPECT_EQ(unix_user->maildir(), unix_user->home + "/Maildir");
    EXPECT_EQ(find_account("root", sources).error().code, Errc::not_found);
    EXPECT_EQ(find_account("not-an-account", sources).error().code, Errc::not_found);
}

TEST_F(LookupTest, WhatCannotBeDecidedIsTemporary) {
    EXPECT_EQ(find_account("broken", sources).error().code, Errc::unavailable);
    ASSERT_EQ(::chmod(sources.users_file.c_str(), 0644), 0);
    EXPECT_EQ(find_account("daniel.morato", sources).error().code, Errc::unavailable);
    EXPECT_FALSE(AccountNames::load(sources.users_file).ok());
}

TEST_F(LookupTest, TheStampChangesWithTheFile) {
    const FileStamp before = file_stamp(sources.users_file);
    EXPECT_EQ(before, file_stamp(sources.users_file));
    auto edit = UsersFileEdit::open(scratch.file("other"));
    ASSERT_TRUE(edit.ok());
    ASSERT_TRUE(edit->commit().ok());
    EXPECT_NE(file_stamp(scratch.file("other")), before);
    EXPECT_EQ(file_stamp(scratch.file("absent")), FileStamp());
}

TEST(SecretFile, IsMadeOnceAndPrivate) {
    const test::Scratch scratch;
    const std::string path = scratch.file("scram-secret");
    const auto first = load_or_make_secret(path);
    ASSERT_TRUE(first.ok()) << first.error().describe();
    EXPECT_EQ(first->size(), 32U);
    EXPECT_EQ(*load_or_make_secret(path), *first);
    struct stat st {};
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600U);
}

TEST(SecretFile, AFileThatOthersCanReadOrOfAnotherSizeIsRefused) {
    const test::Scratch scratch;
    EXPECT_EQ(load_or_make_secret(scratch.write("open", std::string(32, 'x'), 0644)).error().code, Errc::denied);
    EXPECT_EQ(load_or_make_secret(scratch.write("short", std::string(31, 'x'))).error().code, Errc::corrupt);
    EXPECT_EQ(load_or_make_secret(scratch.write("long", std::string(33, 'x'))).error().code, Errc::corrupt);
    EXPECT_FALSE(load_or_make_secret(scratch.file("no/such/directory")).ok());
}

} // namespace
} // namespace posada::auth
