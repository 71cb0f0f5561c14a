// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/local_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace posada::ftp {

class LocalFileTest : public ::testing::Test {
  protected:
    void SetUp() override {
        char path[] = "/tmp/posada-ftp-XXXXXX";
        folder_ = ::mkdtemp(path);
        before_ = std::filesystem::current_path();
        std::filesystem::current_path(folder_);
    }
    void TearDown() override {
        std::filesystem::current_path(before_);
        std::filesystem::remove_all(folder_);
    }
    static std::string content(const std::string& name) { return *read_file(name, 1000); }
    static void put(const std::string& name, const std::string& text) {
        auto file = LocalFile::open(name, Named::by_server, false);
        ASSERT_TRUE(file && file->write(text) && file->commit());
    }
    std::string folder_;
    std::filesystem::path before_;
};

TEST_F(LocalFileTest, TheNameAppearsWhenTheFileIsWhole) {
    auto file = LocalFile::open("a", Named::by_server, false);
    ASSERT_TRUE(file && file->write("text"));
    EXPECT_FALSE(std::filesystem::exists("a"));
    EXPECT_EQ(content("a.part"), "text");
    ASSERT_TRUE(file->commit());
    EXPECT_EQ(content("a"), "text");
    EXPECT_FALSE(std::filesystem::exists("a.part"));
}

TEST_F(LocalFileTest, GoesOnBehindThePartOrTheFile) {
    put("a", "one");
    auto whole = LocalFile::open("a", Named::by_server, true);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->offset(), 3U);
    ASSERT_TRUE(whole->write("two") && whole->commit());
    EXPECT_EQ(content("a"), "onetwo");

    put("b.part", "12345");
    auto part = LocalFile::open("b", Named::by_server, true);
    ASSERT_TRUE(part);
    EXPECT_EQ(part->offset(), 5U);
    EXPECT_FALSE(part->cut(6));
    ASSERT_TRUE(part->cut(2) && part->write("x") && part->commit());
    EXPECT_EQ(content("b"), "12x");
}

TEST_F(LocalFileTest, ALinkThatLiesThereIsNotFollowed) {
    ASSERT_EQ(::symlink("elsewhere", "a.part"), 0);
    EXPECT_FALSE(LocalFile::open("a", Named::by_server, false));
    EXPECT_FALSE(std::filesystem::exists("elsewhere"));
}

TEST_F(LocalFileTest, OnlyTheUserNamesCommandsAndTheScreen) {
    put("|touch x", "text");
    put("-", "text");
    EXPECT_EQ(content("|touch x"), "text");
    EXPECT_EQ(content("-"), "text");
    EXPECT_FALSE(std::filesystem::exists("x"));
    auto command = LocalFile::open("|cat >x", Named::by_user, false);
    ASSERT_TRUE(command && command->write("text") && command->commit());
    EXPECT_EQ(content("x"), "text");
    auto failing = LocalFile::open("|exit 3", Named::by_user, false);
    ASSERT_TRUE(failing);
    EXPECT_FALSE(failing->commit());
}

TEST_F(LocalFileTest, ADeviceIsWrittenAndNotReplaced) {
    ASSERT_EQ(::symlink("/dev/null", "null"), 0);
    auto file = LocalFile::open("null", Named::by_user, false);
    ASSERT_TRUE(file && file->write("text") && file->commit());
    EXPECT_TRUE(std::filesystem::is_symlink("null"));
}

TEST_F(LocalFileTest, AnEmptyPartIsTakenAway) {
    auto file = LocalFile::open("a", Named::by_server, false);
    ASSERT_TRUE(file);
    file->drop_if_empty();
    EXPECT_FALSE(std::filesystem::exists("a.part"));
}

TEST_F(LocalFileTest, AnOpenDirectoryIsWhereItIsWhateverItIsCalled) {
    std::filesystem::create_directory("in");
    const UniqueFd in(::open("in", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto file = LocalFile::open_in(in.get(), "a", "a.other", false);
    ASSERT_TRUE(file && file->write("text"));
    std::filesystem::rename("in", "moved");
    EXPECT_EQ(content("moved/a.other"), "text");
    ASSERT_TRUE(file->set_time(1'000'000'000) && file->commit());
    EXPECT_EQ(content("moved/a"), "text");
    struct stat info {};
    ASSERT_EQ(::stat("moved/a", &info), 0);
    EXPECT_EQ(info.st_mtime, 1'000'000'000);
    auto dropped = LocalFile::open_in(in.get(), "b", "b.part", false);
    ASSERT_TRUE(dropped && dropped->write("text"));
    dropped->drop();
    EXPECT_FALSE(std::filesystem::exists("moved/b.part"));
}

TEST(SafeLocalName, IsTheLastComponentOrNone) {
    EXPECT_EQ(safe_local_name("/etc/passwd"), "passwd");
    EXPECT_EQ(safe_local_name("a"), "a");
    for (const char* bad : {"", ".", "..", "a/", "a/..", "../..", "x\x1b[2J", "a\nb"})
        EXPECT_EQ(safe_local_name(bad), "") << bad;
}

} // namespace posada::ftp
