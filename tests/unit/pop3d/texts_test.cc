// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/texts.h"

#include <gtest/gtest.h>

#include "common/base/text.h"
#include "pop3d/commands.h"
#include "pop3d/session.h"

using namespace posada;
using namespace posada::pop3d;

// Every text in every language, with the same words put in: a translation that drops a number would lie.
TEST(Texts, EveryLanguageSaysEverythingWithTheSameWords) {
    for (std::size_t t = 0; t < static_cast<std::size_t>(Text::count); ++t)
        for (std::size_t l = 0; l < languages().size(); ++l) {
            const auto in = static_cast<Language>(l);
            const std::string english = say(Language::english, static_cast<Text>(t), {"[1]", "[2]", "[3]", "[4]"});
            const std::string here = say(in, static_cast<Text>(t), {"[1]", "[2]", "[3]", "[4]"});
            EXPECT_FALSE(here.empty());
            EXPECT_TRUE(is_valid_utf8(here));
            for (const char* word : {"[1]", "[2]", "[3]", "[4]"})
                EXPECT_EQ(english.find(word) == std::string::npos, here.find(word) == std::string::npos) << here;
        }
}

TEST(Texts, EnglishIsAscii) {
    for (std::size_t t = 0; t < static_cast<std::size_t>(Text::count); ++t)
        for (const char c : say(Language::english, static_cast<Text>(t), {})) EXPECT_GT(c, 0);
}

TEST(Texts, EveryCommandIsExplainedInSpanish) {
    for (const auto& row : commands()) EXPECT_FALSE(row.other_help.empty()) << row.verb;
}

TEST(Texts, ALanguageIsFoundByItsTagOrALongerOne) {
    EXPECT_EQ(find_language("es"), Language::spanish);
    EXPECT_EQ(find_language("ES-419"), Language::spanish);
    EXPECT_EQ(find_language("en-GB-oed"), Language::english);
    for (const char* range : {"", "*", "MUL", "e", "esp", "es_ES", "-es", "fr-es"})
        EXPECT_EQ(find_language(range), std::nullopt) << range;
}
