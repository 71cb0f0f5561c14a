// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/glob.h"

#include <gtest/gtest.h>

#include <string>

using namespace posada;

TEST(Glob, StarsAndQuestionMarks) {
    EXPECT_TRUE(glob_matches("*", "a.txt"));
    EXPECT_TRUE(glob_matches("*.txt", "a.txt"));
    EXPECT_TRUE(glob_matches("a*b*c", "aXbYbZc"));
    EXPECT_TRUE(glob_matches("a**", "a"));
    EXPECT_TRUE(glob_matches("?.txt", "a.txt"));
    EXPECT_TRUE(glob_matches("", ""));
    EXPECT_FALSE(glob_matches("*.txt", "a.text"));
    EXPECT_FALSE(glob_matches("?", ""));
    EXPECT_FALSE(glob_matches("?", "ab"));
    EXPECT_FALSE(glob_matches("a", "ab"));
    EXPECT_FALSE(glob_matches("", "a"));
}

TEST(Glob, AQuestionMarkIsOneCharacterNotOneOctet) {
    EXPECT_TRUE(glob_matches("a?o.txt", "a\xC3\xB1o.txt"));
    EXPECT_FALSE(glob_matches("a??o.txt", "a\xC3\xB1o.txt"));
}

TEST(Glob, Sets) {
    EXPECT_TRUE(glob_matches("[a-c]x", "bx"));
    EXPECT_FALSE(glob_matches("[a-c]x", "dx"));
    EXPECT_TRUE(glob_matches("[!a-c]x", "dx"));
    EXPECT_FALSE(glob_matches("[^a-c]x", "bx"));
    EXPECT_TRUE(glob_matches("[]]", "]"));
    EXPECT_TRUE(glob_matches("[a-]", "-"));
    EXPECT_TRUE(glob_matches("[a", "[a")) << "no set: nothing closes it";
}

TEST(Glob, ABackslashMakesItTheCharacterItself) {
    EXPECT_TRUE(glob_matches("\\*", "*"));
    EXPECT_FALSE(glob_matches("\\*", "a"));
    EXPECT_FALSE(is_glob("\\*"));
    EXPECT_TRUE(glob_matches("a\\", "a\\"));
}

TEST(Glob, HiddenNamesAreAskedFor) {
    EXPECT_FALSE(glob_matches("*", ".hidden"));
    EXPECT_TRUE(glob_matches(".*", ".hidden"));
}

TEST(Glob, WhatIsAPattern) {
    EXPECT_TRUE(is_glob("*.txt"));
    EXPECT_TRUE(is_glob("a?"));
    EXPECT_TRUE(is_glob("[ab]"));
    EXPECT_FALSE(is_glob("plain.txt"));
    EXPECT_FALSE(is_glob("[ab"));
    EXPECT_FALSE(is_glob(""));
}

// A matcher that tries every star again takes longer than the age of the world for this one.
TEST(Glob, ManyStarsEnd) {
    std::string pattern;
    for (int i = 0; i < 1'000; ++i) pattern += "*a";
    pattern += "b";
    EXPECT_FALSE(glob_matches(pattern, std::string(4'000, 'a')));
}
