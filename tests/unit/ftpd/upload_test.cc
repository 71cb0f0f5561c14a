// SPDX-License-Identifier: BSD-2-Clause
// Tree and Upload on a real directory.
#include "ftpd/upload.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/common/auth/scratch.h"

using namespace posada;
using namespace posada::ftpd;
namespace fs = std::filesystem;

namespace {

class Uploads : public testing::Test {
  protected:
    Uploads() : tree_(std::move(*Tree::open(top()))) {}
    [[nodiscard]] std::string top() const { return scratch_.path() + "/"; }
    void put(const std::string& name, std::string_view bytes) const {
        const UniqueFd fd(::open((top() + name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0640));
        ASSERT_TRUE(write_all(fd.get(), bytes));
    }
    [[nodiscard]] std::string get(const std::string& name) const { return read_file(top() + name, 1 << 20).value(); }
    [[nodiscard]] Upload begin(const std::string& path, UploadPlan plan = {}) const {
        auto out = Upload::begin(tree_, path, plan);
        EXPECT_TRUE(out.ok());
        return std::move(*out);
    }
    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(top()), fs::directory_iterator{}));
    }
    test::Scratch scratch_;
    Tree tree_;
};

} // namespace

TEST_F(Uploads, NobodySeesAFileBeforeItIsWhole) {
    put("a", "old");
    Upload upload = begin("/a");
    ASSERT_TRUE(write_all(upload.fd(), "new bytes"));
    EXPECT_EQ(get("a"), "old");
    ASSERT_TRUE(upload.complete(true));
    EXPECT_EQ(get("a"), "new bytes");
    EXPECT_EQ(fs::status(top() + "a").permissions(), fs::perms(0640)) << "a file that is replaced keeps its mode";
    EXPECT_EQ(files(), 1U);
}

TEST_F(Uploads, WhatBrokeOffReplacesNothing) {
    put("a", "old");
    Upload upload = begin("/a");
    ASSERT_TRUE(write_all(upload.fd(), "half"));
    upload.break_off(true);
    EXPECT_EQ(get("a"), "old");
    EXPECT_EQ(files(), 1U);
}

TEST_F(Uploads, ANewFileThatBrokeOffIsKeptOrRemoved) {
    Upload kept = begin("/kept");
    ASSERT_TRUE(write_all(kept.fd(), "half"));
    kept.break_off(true);
    EXPECT_EQ(get("kept"), "half");
    Upload removed = begin("/removed");
    ASSERT_TRUE(write_all(removed.fd(), "half"));
    removed.break_off(false);
    begin("/empty").break_off(true);
    begin("/made", {Opening::append, 0, 0644}).break_off(true);
    EXPECT_EQ(files(), 1U);
}

TEST_F(Uploads, GoingOnWritesInPlace) {
    put("a", "0123456789");
    Upload append = begin("/a", {Opening::append, 0, 0644});
    EXPECT_EQ(append.start(), 10U);
    ASSERT_TRUE(write_all(append.fd(), "ab"));
    ASSERT_TRUE(append.complete(false));
    Upload from_four = begin("/a", {Opening::store, 4, 0644});
    ASSERT_TRUE(write_all(from_four.fd(), "xy"));
    ASSERT_TRUE(from_four.complete(false));
    EXPECT_EQ(get("a"), "0123xy");
    const auto beyond = Upload::begin(tree_, "/a", {Opening::store, 7, 0644});
    ASSERT_FALSE(beyond.ok());
    EXPECT_EQ(beyond.error().code, Errc::limit);
}

TEST_F(Uploads, HardLinksSeeTheNewBytes) {
    put("a", "long old text");
    fs::create_hard_link(top() + "a", top() + "b");
    Upload upload = begin("/a");
    ASSERT_TRUE(write_all(upload.fd(), "new"));
    ASSERT_TRUE(upload.complete(false));
    EXPECT_EQ(get("b"), "new");
}

TEST_F(Uploads, ALinkIsWrittenThroughButNeverOutOfTheTree) {
    fs::create_directory(top() + "d");
    put("d/file", "old");
    fs::create_symlink("d/file", top() + "link");
    Upload upload = begin("/link");
    ASSERT_TRUE(write_all(upload.fd(), "new"));
    ASSERT_TRUE(upload.complete(false));
    EXPECT_EQ(get("d/file"), "new");
    EXPECT_TRUE(fs::is_symlink(top() + "link"));
    fs::create_symlink("/etc/hostname", top() + "out");
    fs::create_symlink("..", top() + "up");
    fs::create_symlink("loop", top() + "loop");
    for (const char* path : {"/out", "/up/x", "/loop", "/d", "/", "/d/..", "x"})
        EXPECT_FALSE(Upload::begin(tree_, path, {}).ok()) << path;
}

TEST_F(Uploads, NewNamesAreNeverTaken) {
    put("x", "1");
    put("x.1", "2");
    Upload upload = begin("/x", {Opening::store_new, 0, 0644});
    EXPECT_EQ(upload.name(), "x.2");
    upload.break_off(true);
    EXPECT_EQ(files(), 2U);
}

TEST_F(Uploads, ATreeHasNothingAboveIt) {
    fs::create_symlink("/etc", top() + "etc");
    for (const char* path : {"/../etc/passwd", "/etc/passwd", "etc/passwd", "", "/..", "/a/../../x"})
        EXPECT_FALSE(tree_.open_file(path, O_RDONLY).ok()) << path;
    EXPECT_TRUE(tree_.open_file("/", O_RDONLY | O_DIRECTORY).ok());
}
