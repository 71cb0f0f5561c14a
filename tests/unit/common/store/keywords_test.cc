// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/keywords.h"

#include <gtest/gtest.h>

#include "tests/unit/common/store/recording_ops.h"

using namespace posada;
using namespace posada::store;
using namespace posada::store::testing;

TEST(Keywords, TheFileSaysWhichLetterIsWhich) {
    const auto keywords = Keywords::parse("0 $Forwarded\n2 invoice\n25 last\n");
    ASSERT_TRUE(keywords.ok());
    EXPECT_EQ(keywords->name('a'), "$Forwarded");
    EXPECT_EQ(keywords->name('b'), "");
    EXPECT_EQ(keywords->name('z'), "last");
    EXPECT_EQ(keywords->name('A'), "");
    EXPECT_EQ(keywords->letter("INVOICE"), 'c');
    EXPECT_FALSE(keywords->letter("other").has_value());
    EXPECT_FALSE(keywords->letter("").has_value());
}

TEST(Keywords, WrongLinesAreCorruptNotSkipped) {
    for (const char* text : {"0\n", "x y\n", "26 a\n", "-1 a\n", "0 a\n0 b\n", "0 a\n1 A\n", "0 a b\n", "0 \n", "0 (\n",
                             "0 \\Seen\n", "99999999999999999999 a\n"}) {
        const auto keywords = Keywords::parse(text);
        ASSERT_FALSE(keywords.ok()) << text;
        EXPECT_EQ(keywords.error().code, Errc::corrupt);
    }
    EXPECT_TRUE(Keywords::parse("").ok());
}

TEST(Keywords, ANewOneTakesTheFirstFreeLetterUntilAllAreGiven) {
    auto keywords = *Keywords::parse("1 b\n");
    EXPECT_EQ(*keywords.add("first"), 'a');
    EXPECT_EQ(*keywords.add("FIRST"), 'a');
    EXPECT_EQ(*keywords.add("third"), 'c');
    for (int i = 3; i < 26; ++i) EXPECT_TRUE(keywords.add("k" + std::to_string(i)).ok());
    EXPECT_EQ(keywords.add("more").error().code, Errc::limit);
    EXPECT_EQ(*keywords.add("third"), 'c');
    EXPECT_EQ(keywords.add("a b").error().code, Errc::invalid);
    EXPECT_EQ(keywords.add(std::string(max_keyword + 1, 'a')).error().code, Errc::invalid);
}

TEST(Keywords, WrittenDurablyUnderTheUidlistsLockAndReadAgain) {
    const Scratch scratch;
    const auto maildir = Maildir::open_or_create(scratch.maildir(), recording_ops());
    auto lock = UidlistLock::acquire(*maildir, Millis(100));
    ASSERT_TRUE(lock.ok());
    Keywords keywords;
    ASSERT_TRUE(keywords.add("$Forwarded").ok());
    recording = {};
    ASSERT_TRUE(keywords.write(*maildir, *lock).ok());
    EXPECT_EQ(scratch.get("dovecot-keywords"), "0 $Forwarded\n");
    const auto& calls = recording.calls;
    const auto index = [&](const std::string& beginning) {
        return std::find_if(calls.begin(), calls.end(), [&](const auto& c) { return c.starts_with(beginning); }) -
               calls.begin();
    };
    EXPECT_LT(index("write"), index("fsync"));
    EXPECT_LT(index("fsync"), index("rename"));
    EXPECT_EQ(calls.back(), "fsync .");
    EXPECT_EQ(Keywords::load(*maildir)->letter("$forwarded"), 'a');
}

TEST(Keywords, ALinkIsNotFollowed) {
    const Scratch scratch;
    const auto maildir = Maildir::open_or_create(scratch.maildir());
    std::filesystem::create_symlink("/etc/hostname", scratch.maildir() + "/dovecot-keywords");
    EXPECT_FALSE(Keywords::load(*maildir).ok());
}
