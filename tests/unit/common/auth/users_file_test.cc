// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/users_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/auth/hasher.h"
#include "tests/unit/common/auth/scratch.h"

namespace posada::auth {
namespace {

std::string cheap_hash(std::string_view password) { return *Hasher(1).hash(password); }

UserEntry entry_of(const std::string& name, uid_t uid = 70'000, const std::string& password = "hungry-dog") {
    UserEntry out;
    out.name = name;
    out.hash = cheap_hash(password);
    out.scram = derive_verifier(password, "0123456789abcdef", scram_iterations_least);
    out.uid = uid;
    out.gid = uid;
    out.home = "/var/lib/posada/mail/micasa.test/" + name;
    return out;
}

struct UsersFileTest : testing::Test {
    test::Scratch scratch;
    const std::string path = scratch.file("users");

    void add(const UserEntry& entry) {
        auto edit = UsersFileEdit::open(path);
        ASSERT_TRUE(edit.ok()) << edit.error().describe();
        const auto added = edit->add(entry);
        ASSERT_TRUE(added.ok()) << added.error().describe();
        ASSERT_TRUE(edit->commit().ok());
    }
};

TEST_F(UsersFileTest, AnAddedUserIsReadBackWhole) {
    const UserEntry in = entry_of("daniel.morato");
    add(in);
    const auto file = UsersFile::load(path);
    ASSERT_TRUE(file.ok());
    const auto found = file->find("daniel.morato");
    ASSERT_TRUE(found.ok());
    ASSERT_NE(*found, nullptr);
    const UserEntry& out = **found;
    EXPECT_EQ(out.hash, in.hash);
    EXPECT_EQ(out.scram->text(), in.scram->text());
    EXPECT_EQ(out.uid, 70'000U);
    EXPECT_EQ(out.gid, 70'000U);
    const Account account = out.account();
    EXPECT_TRUE(account.virtual_user);
    EXPECT_EQ(account.home, "/var/lib/posada/mail/micasa.test/daniel.morato");
    EXPECT_EQ(account.maildir(), account.home + "/Maildir");
}

TEST_F(UsersFileTest, OptionsAreReadFromTheSeventhFieldAndReachTheAccount) {
    const std::string line = entry_of("lir").line();
    const UsersFile file = UsersFile::parse(line + ":quota=2G,quota_messages=500\n", "users");
    ASSERT_TRUE(file.errors().empty()) << file.errors()[0].text;
    const UserEntry& lir = **file.find("lir");
    EXPECT_EQ(lir.options.quota, 2ULL << 30);
    EXPECT_EQ(lir.line(), line + ":quota=2G,quota_messages=500");
    const auto account = from_bytes<Account>(to_bytes(lir.account()));
    ASSERT_TRUE(account.ok());
    EXPECT_EQ(account->quota, 2ULL << 30);
    EXPECT_EQ(account->quota_messages, 500U);
}

TEST_F(UsersFileTest, WithoutOptionsALineHasSixFieldsAndSaysNothingAboutQuota) {
    const std::string line = entry_of("lir").line();
    for (const std::string& text : {line, line + ":"}) {
        const UsersFile file = UsersFile::parse(text, "users");
        ASSERT_TRUE(file.errors().empty()) << text;
        EXPECT_FALSE((*file.find("lir"))->account().quota.has_value());
        EXPECT_EQ((*file.find("lir"))->line(), line);
    }
}

TEST_F(UsersFileTest, ZeroIsAnOwnLimitOfNoneNotAnAbsentOne) {
    const UsersFile file = UsersFile::parse(entry_of("lir").line() + ":quota=0", "users");
    EXPECT_EQ((*file.find("lir"))->account().quota, 0U);
    EXPECT_EQ((*file.find("lir"))->options.text(), "quota=0");
}

TEST_F(UsersFileTest, EditsKeepTheOptionsAndCanChangeThem) {
    UserEntry lir = entry_of("lir");
    lir.options.quota = 3ULL << 20;
    add(lir);
    auto edit = UsersFileEdit::open(path);
    ASSERT_TRUE(edit->set_password("lir", cheap_hash("new"), new_verifier("new")).ok());
    ASSERT_TRUE(edit->commit().ok());
    EXPECT_EQ((*UsersFile::load(path)->find("lir"))->options.quota, 3ULL << 20);
    UserOptions options;
    options.quota_messages = 7;
    ASSERT_TRUE(edit->set_options("lir", options).ok());
    ASSERT_TRUE(edit->commit().ok());
    const auto after = UsersFile::load(path);
    EXPECT_FALSE((*after->find("lir"))->options.quota.has_value());
    EXPECT_EQ((*after->find("lir"))->options.quota_messages, 7U);
    EXPECT_EQ(edit->set_options("daniel", options).error().code, Errc::not_found);
}

TEST_F(UsersFileTest, AnAbsentFileHasNoUsers) {
    const auto file = UsersFile::load(path);
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(*file->find("daniel"), nullptr);
    EXPECT_FALSE(file->all_have_scram());
}

TEST_F(UsersFileTest, EveryEditLeavesAFileOnlyItsOwnerCanRead) {
    add(entry_of("lir"));
    struct stat st {};
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600U);
    EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_F(UsersFileTest, AFileThatOthersCanReadIsRefusedWithTheRemedy) {
    for (const mode_t mode : {0640U, 0604U, 0620U, 0644U, 0601U}) {
        scratch.write("users", entry_of("lir").line() + "\n", mode);
        const auto file = UsersFile::load(path);
        ASSERT_FALSE(file.ok()) << mode;
        EXPECT_EQ(file.error().code, Errc::denied);
        EXPECT_NE(file.error().text.find("chmod 600 " + path), std::string::npos) << file.error().text;
        EXPECT_FALSE(UsersFileEdit::open(path).ok());
    }
}

TEST_F(UsersFileTest, AFileOfAForeignOwnerIsRefusedWithTheRemedy) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    scratch.write("users", entry_of("lir").line() + "\n");
    ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
    const auto file = UsersFile::load(path);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.error().code, Errc::denied);
    EXPECT_NE(file.error().text.find("chown 0 " + path), std::string::npos) << file.error().text;
}

TEST_F(UsersFileTest, SomethingThatIsNoFileIsRefused) {
    ASSERT_TRUE(std::filesystem::create_directory(path));
    EXPECT_EQ(UsersFile::load(path).error().code, Errc::invalid);
}

struct BadLine {
    const char* line;
    const char* says;
};

TEST_F(UsersFileTest, EveryMistakeNamesFileLineAndField) {
    const std::string hash = cheap_hash("x");
    const BadLine bad[] = {
        {"daniel", "name:hash:scram:uid:gid:home:options is expected, found 1"},
        {"daniel:HASH::70000:70000", "found 5"},
        {"daniel:HASH::70000:70000:/home::extra", "found 8"},
        {"daniel:HASH::70000:70000:/h/d:qouta=5G", "options: unknown key \"qouta\"; did you mean \"quota\"?"},
        {"daniel:HASH::70000:70000:/h/d:shell=/bin/sh", "options: unknown key \"shell\"; there are: quota, "},
        {"daniel:HASH::70000:70000:/h/d:quota", "options: quota needs a value"},
        {"daniel:HASH::70000:70000:/h/d:quota=", "options: quota is not a size; write a number with K, M, G or T"},
        {"daniel:HASH::70000:70000:/h/d:quota=5X", "options: quota is not a size"},
        {"daniel:HASH::70000:70000:/h/d:quota=1G,quota=2G", "options: quota is there twice"},
        {"daniel:HASH::70000:70000:/h/d:quota=1G,", "options: unknown key \"\""},
        {"daniel:HASH::70000:70000:/h/d:quota_messages=1K", "options: quota_messages is not a number of messages"},
        {"-daniel:HASH::70000:70000:/h/d", "name:"},
        {".daniel:HASH::70000:70000:/h/d", "name:"},
        {"Daniel:HASH::70000:70000:/h/d", "name:"},
        {"dan iel:HASH::70000:70000:/h/d", "name:"},
        {"../etc:HASH::70000:70000:/h/d", "name:"},
        {":HASH::70000:70000:/h/d", "name:"},
        {" daniel:HASH::70000:70000:/h/d", "name:"},
        {"daniel:plaintext::70000:70000:/h/d", "hash:"},
        {"daniel:abNANd1rDfiNc::70000:70000:/h/d", "hash:"},
        {"daniel:HASH:junk:70000:70000:/h/d", "SCRAM verifier:"},
        {"daniel:HASH::0:70000:/h/d", "uid: 0 is refused"},
        {"daniel:HASH::70000:0:/h/d", "gid: 0 is refused"},
        {"daniel:HASH:::70000:/h/d", "uid: a number"},
        {"daniel:HASH::-1:70000:/h/d", "uid: a number"},
        {"daniel:HASH::4294967295:70000:/h/d", "uid: a number"},
        {"daniel:HASH::99999999999999999999:70000:/h/d", "uid: a number"},
        {"daniel:HASH::70000:x:/h/d", "gid: a number"},
        {"daniel:HASH::70000:70000:", "home:"},
        {"daniel:HASH::70000:70000:/", "home:"},
        {"daniel:HASH::70000:70000:home/d", "home:"},
        {"daniel:HASH::70000:70000:/h/../../etc", "home:"},
        {"daniel:HASH::70000:70000:/h/d\r", "the line ends with a carriage return"},
        {"\xEF\xBB\xBF"
         "daniel:HASH::70000:70000:/h/d",
         "the file begins with a byte order mark"},
    };
    for (const BadLine& b : bad) {
        std::string line = b.line;
        const std::size_t at = line.find("HASH");
        if (at != std::string::npos) line.replace(at, 4, hash);
        const UsersFile file = UsersFile::parse("# users\n" + line + "\n", "/etc/posada/users");
        ASSERT_EQ(file.errors().size(), 1U) << line;
        EXPECT_TRUE(file.entries().empty()) << line;
        EXPECT_EQ(file.errors()[0].line, 2U);
        EXPECT_EQ(file.errors()[0].text.rfind("/etc/posada/users:2: ", 0), 0U) << file.errors()[0].text;
        EXPECT_NE(file.errors()[0].text.find(b.says), std::string::npos) << line << " -> " << file.errors()[0].text;
    }
}

TEST_F(UsersFileTest, ANameWithTwoLinesIsAnErrorOfThatUserOnly) {
    const std::string text = entry_of("lir", 70'000).line() + "\n" + entry_of("lir", 70'001).line() + "\n" +
                             entry_of("daniel", 70'002).line() + "\n";
    const UsersFile file = UsersFile::parse(text, "users");
    ASSERT_EQ(file.errors().size(), 1U);
    EXPECT_EQ(file.find("lir").error().code, Errc::corrupt);
    ASSERT_TRUE(file.find("daniel").ok());
    EXPECT_NE(*file.find("daniel"), nullptr);
}

TEST_F(UsersFileTest, ABrokenLineMakesItsUserUndecidableNotUnknown) {
    const UsersFile file = UsersFile::parse("lir:oops\n" + entry_of("daniel").line() + "\n", "users");
    ASSERT_FALSE(file.find("lir").ok());
    EXPECT_EQ(file.find("lir").error().code, Errc::corrupt);
    EXPECT_NE(*file.find("daniel"), nullptr);
    EXPECT_EQ(*file.find("pamplona"), nullptr);
    EXPECT_FALSE(file.all_have_scram());
}

TEST_F(UsersFileTest, CommentsEmptyLinesAndAMissingLastNewlineAreFine) {
    const UsersFile file = UsersFile::parse("# a comment\n\n   \n" + entry_of("lir").line(), "users");
    EXPECT_TRUE(file.errors().empty());
    EXPECT_EQ(file.entries().size(), 1U);
}

TEST_F(UsersFileTest, EditsKeepCommentsAndOtherUsersLines) {
    const std::string daniel = entry_of("daniel", 70'005).line();
    scratch.write("users", "# kept\n" + daniel + "\n\n# also kept");
    add(entry_of("lir", 70'006));
    auto edit = UsersFileEdit::open(path);
    ASSERT_TRUE(edit.ok());
    ASSERT_TRUE(edit->set_password("lir", cheap_hash("new"), new_verifier("new")).ok());
    ASSERT_TRUE(edit->commit().ok());
    const std::string text = test::Scratch::read(path);
    EXPECT_EQ(text.rfind("# kept\n" + daniel + "\n\n# also kept\nlir:", 0), 0U) << text;
    EXPECT_EQ(text.back(), '\n');
}

TEST_F(UsersFileTest, ANewPasswordReplacesHashAndVerifier) {
    add(entry_of("lir", 70'000, "old-password"));
    auto edit = UsersFileEdit::open(path);
    ASSERT_TRUE(edit.ok());
    ASSERT_TRUE(edit->set_password("lir", cheap_hash("new-password"), new_verifier("new-password")).ok());
    ASSERT_TRUE(edit->commit().ok());
    const auto file = UsersFile::load(path);
    const UserEntry* lir = *file->find("lir");
    Hasher hasher(1);
    EXPECT_TRUE(hasher.verify(lir->hash, "new-password"));
    EXPECT_FALSE(hasher.verify(lir->hash, "old-password"));
    EXPECT_EQ(lir->scram->stored_key,
              derive_verifier("new-password", lir->scram->salt, lir->scram->iterations).stored_key);
    EXPECT_EQ(lir->uid, 70'000U);
}

TEST_F(UsersFileTest, AnExistingNameIsNotAddedAndAnUnknownOneNotChanged) {
    add(entry_of("lir"));
    auto edit = UsersFileEdit::open(path);
    ASSERT_TRUE(edit.ok());
    EXPECT_EQ(edit->add(entry_of("lir")).error().code, Errc::exists);
    EXPECT_EQ(edit->remove("daniel").error().code, Errc::not_found);
    EXPECT_EQ(edit->set_password("daniel", "x", new_verifier("x")).error().code, Errc::not_found);
}

TEST_F(UsersFileTest, NamesThatWouldBreakALineAreNotAdded) {
    auto edit = UsersFileEdit::open(path);
    ASSERT_TRUE(edit.ok());
    for (const std::string& name : {std::string("a:b"), std::string("a\nb"), std::string("-rf"), std::string(".."),
                                    std::string("a\0b", 3), std::string(), std::string("#x"), std::string(65, 'a')})
        EXPECT_FALSE(edit->add(entry_of(name)).ok()) << name;
    UserEntry bad_home = entry_of("lir");
    bad_home.home = "/h\nroot:x::1:1:/";
    EXPECT_FALSE(edit->add(bad_home).ok());
}

TEST_F(UsersFileTest, WithoutCommitNothingHappens) {
    add(entry_of("lir"));
    const std::string before = test::Scratch::read(path);
    {
        auto edit = UsersFileEdit::open(path);
        ASSERT_TRUE(edit->remove("lir").ok());
    }
    EXPECT_EQ(test::Scratch::read(path), before);
}

TEST_F(UsersFileTest, AUidIsNeverGivenToASecondUser) {
    for (const char* name : {"a", "b", "c"}) {
        auto edit = UsersFileEdit::open(path);
        ASSERT_TRUE(edit.ok());
        ASSERT_TRUE(edit->add(entry_of(name, *edit->allocate_uid(70'000, 70'003))).ok());
        ASSERT_TRUE(edit->commit().ok());
    }
    auto edit = UsersFileEdit::open(path);
    ASSERT_TRUE(edit->remove("c").ok());
    ASSERT_TRUE(edit->commit().ok());
    auto later = [&] {
        edit = Error{Errc::invalid, 0, ""};
        return UsersFileEdit::open(path);
    }();
    ASSERT_TRUE(later.ok()) << later.error().describe();
    EXPECT_EQ(*later->current().find("c"), nullptr);
    EXPECT_EQ(*later->allocate_uid(70'000, 70'003), 70'003U) << "70002 was c's";
    ASSERT_TRUE(later->add(entry_of("c", 70'003)).ok());
    EXPECT_EQ(later->allocate_uid(70'000, 70'003).error().code, Errc::limit);
}

TEST_F(UsersFileTest, AFileWithErrorsIsNotEdited) {
    scratch.write("users", "lir:oops\n");
    const auto edit = UsersFileEdit::open(path);
    ASSERT_FALSE(edit.ok());
    EXPECT_EQ(edit.error().code, Errc::corrupt);
    EXPECT_NE(edit.error().text.find("users:1:"), std::string::npos);
}

TEST_F(UsersFileTest, ASymbolicLinkStaysOne) {
    add(entry_of("lir"));
    const std::string link = scratch.file("link");
    ASSERT_EQ(::symlink(path.c_str(), link.c_str()), 0);
    auto edit = UsersFileEdit::open(link);
    ASSERT_TRUE(edit.ok());
    ASSERT_TRUE(edit->add(entry_of("daniel", 70'001)).ok());
    ASSERT_TRUE(edit->commit().ok());
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(UsersFile::load(path)->entries().size(), 2U);
}

TEST_F(UsersFileTest, ConcurrentEditorsLoseNobody) {
    constexpr int editors = 8;
    std::vector<pid_t> children; // not the only ones: workers of other tests may still be about to end
    for (int i = 0; i < editors; ++i) {
        children.push_back(::fork());
        if (children.back() != 0) continue;
        auto edit = UsersFileEdit::open(path);
        const bool good = edit.ok() &&
                          edit->add(entry_of("user" + std::to_string(i), *edit->allocate_uid(70'000, 79'999))).ok() &&
                          edit->commit().ok();
        ::_exit(good ? 0 : 1);
    }
    for (const pid_t child : children) {
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    const auto file = UsersFile::load(path);
    ASSERT_TRUE(file.ok());
    EXPECT_TRUE(file->errors().empty());
    EXPECT_EQ(file->entries().size(), static_cast<std::size_t>(editors));
    std::vector<bool> uids(editors, false);
    for (const UserEntry& entry : file->entries()) uids[entry.uid - 70'000] = true;
    EXPECT_EQ(uids, std::vector<bool>(editors, true)) << "every uid once";
}

TEST_F(UsersFileTest, ScramIsCompleteOnlyWhenEveryUserHasAVerifier) {
    UserEntry plain = entry_of("lir");
    plain.scram.reset();
    EXPECT_TRUE(UsersFile::parse(entry_of("daniel").line(), "u").all_have_scram());
    EXPECT_FALSE(UsersFile::parse(entry_of("daniel").line() + "\n" + plain.line(), "u").all_have_scram());
}

TEST(AccountName, TheRuleOfTheUsersFile) {
    for (const char* good : {"daniel", "daniel.morato", "a", "0", "x_y-z.9", "_x"})
        EXPECT_TRUE(valid_account_name(good)) << good;
    for (const std::string& bad :
         {std::string(), std::string("-a"), std::string(".a"), std::string(".."), std::string("A"), std::string("a b"),
          std::string("a/b"), std::string("a:b"), std::string("\xc3\xa9"), std::string("a\0", 2), std::string("a\n"),
          std::string("%{home}"), std::string("'; --"), std::string(65, 'a')})
        EXPECT_FALSE(valid_account_name(bad)) << bad;
}

TEST(LoginName, ALocalDomainIsTakenOff) {
    const std::vector<std::string> domains{"micasa.test", "example.org"};
    EXPECT_EQ(login_name("daniel@micasa.test", domains), "daniel");
    EXPECT_EQ(login_name("Daniel@MICASA.test", domains), "Daniel");
    EXPECT_EQ(login_name("daniel", domains), "daniel");
    EXPECT_EQ(login_name("daniel@elsewhere.test", domains), "daniel@elsewhere.test");
    EXPECT_EQ(login_name("a@b@micasa.test", domains), "a@b");
    EXPECT_EQ(login_name("daniel@", domains), "daniel@");
    EXPECT_EQ(login_name("@micasa.test", domains), "");
}

} // namespace
} // namespace posada::auth
