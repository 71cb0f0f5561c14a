// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/local_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace posada::ftp {

namespace fs = std::filesystem;

class LocalFolderTest : public ::testing::Test {
  protected:
    void SetUp() override {
        char path[] = "/tmp/posada-ftp-XXXXXX";
        top_ = ::mkdtemp(path);
        fs::create_directory(top_ / "in");
        fs::create_directory(top_ / "out");
        put("out/precious", "text");
    }
    void TearDown() override { fs::remove_all(top_); }
    void put(const std::string& name, const std::string& text) const { std::ofstream(top_ / name) << text; }
    [[nodiscard]] LocalFolder in() const { return std::move(*LocalFolder::open(top_ / "in", false)); }
    fs::path top_;
};

TEST_F(LocalFolderTest, TellsWhatIsInIt) {
    put("in/a", "12345");
    fs::create_directory(top_ / "in/d");
    fs::create_symlink("../out", top_ / "in/l");
    ASSERT_EQ(::mkfifo((top_ / "in/p").c_str(), 0600), 0);
    put("in/two\nlines", "");
    const LocalFolder folder = in();
    for (int twice = 0; twice < 2; ++twice) {
        auto listing = folder.list();
        ASSERT_TRUE(listing);
        std::sort(listing->entries.begin(), listing->entries.end(),
                  [](const Entry& a, const Entry& b) { return a.name < b.name; });
        ASSERT_EQ(listing->entries.size(), 4U);
        EXPECT_EQ(listing->entries[0].kind, Kind::file);
        EXPECT_EQ(listing->entries[0].size, 5U);
        EXPECT_TRUE(listing->entries[0].exact);
        EXPECT_EQ(listing->entries[1].kind, Kind::directory);
        EXPECT_EQ(listing->entries[2].kind, Kind::link);
        EXPECT_EQ(listing->entries[3].kind, Kind::other);
        EXPECT_EQ(listing->refused, std::vector<std::string>{"two\nlines"});
    }
}

TEST_F(LocalFolderTest, IsEnteredThroughNoLink) {
    fs::create_directory(top_ / "in/d");
    fs::create_symlink("../out", top_ / "in/l");
    EXPECT_TRUE(in().enter("d", false));
    EXPECT_TRUE(in().enter("new", true));
    EXPECT_TRUE(fs::is_directory(top_ / "in/new"));
    EXPECT_TRUE(in().enter("d", true));
    EXPECT_FALSE(in().enter("l", false));
    EXPECT_FALSE(in().enter("l", true));
    EXPECT_FALSE(in().enter("nothing", false));
}

TEST_F(LocalFolderTest, OnlyPlainFilesAreRead) {
    put("in/a", "x");
    fs::create_symlink("../out/precious", top_ / "in/l");
    ASSERT_EQ(::mkfifo((top_ / "in/p").c_str(), 0600), 0);
    EXPECT_TRUE(in().open_file("a"));
    EXPECT_FALSE(in().open_file("l"));
    EXPECT_FALSE(in().open_file("p"));
    EXPECT_FALSE(in().open_file("."));
}

TEST_F(LocalFolderTest, RemovesTreesAndNotWhatLinksLeadTo) {
    fs::create_directories(top_ / "in/d/e/f");
    put("in/d/e/a", "x");
    fs::create_directory_symlink("../../../out", top_ / "in/d/e/l");
    EXPECT_TRUE(in().remove("d"));
    EXPECT_FALSE(fs::exists(top_ / "in/d"));
    EXPECT_TRUE(fs::exists(top_ / "out/precious"));
    fs::create_directory_symlink("../out", top_ / "in/l");
    EXPECT_TRUE(in().remove("l"));
    EXPECT_TRUE(fs::exists(top_ / "out/precious"));
    EXPECT_FALSE(in().remove("nothing"));
}

} // namespace posada::ftp
