// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/fields.h"

#include <gtest/gtest.h>

namespace posada {
namespace {

enum class Colour : std::uint8_t { red, green };
constexpr Colour last_value(Colour) { return Colour::green; }

struct Inner {
    std::uint16_t number = 0;
    Colour colour = Colour::red;
    FIELDS(number, colour)
};
struct Outer {
    bool yes = false;
    std::int64_t when = 0;
    std::string text;
    Secret secret;
    std::optional<Inner> one;
    std::vector<Inner> many;
    FIELDS(yes, when, text, secret, one, many)
};

Outer sample() {
    return {true, -5, std::string("a\0b", 3), Secret("key"), Inner{7, Colour::green}, {{1, {}}, {2, {}}}};
}

TEST(Fields, WhatIsWrittenIsRead) {
    const auto back = from_bytes<Outer>(to_bytes(sample()));
    ASSERT_TRUE(back.ok());
    EXPECT_TRUE(back->yes);
    EXPECT_EQ(back->when, -5);
    EXPECT_EQ(back->text, std::string("a\0b", 3));
    EXPECT_EQ(back->secret.view(), "key");
    EXPECT_EQ(back->one->colour, Colour::green);
    ASSERT_EQ(back->many.size(), 2U);
    EXPECT_EQ(back->many[1].number, 2U);
}

TEST(Fields, EveryOtherSizeIsABreach) {
    const std::string good = to_bytes(sample());
    for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(from_bytes<Outer>(good.substr(0, n)).ok()) << n;
    EXPECT_EQ(from_bytes<Outer>(good + "x").error().code, Errc::protocol);
}

TEST(Fields, ValuesThatCannotBeAreABreach) {
    EXPECT_TRUE(from_bytes<Inner>(std::string("\0\0\1", 3)).ok());
    EXPECT_FALSE(from_bytes<Inner>(std::string("\0\0\2", 3)).ok()) << "no such colour";
    EXPECT_FALSE(from_bytes<Outer>("\2" + to_bytes(sample()).substr(1)).ok()) << "neither true nor false";
    struct List {
        std::vector<std::uint64_t> numbers;
        FIELDS(numbers)
    };
    EXPECT_FALSE(from_bytes<List>("\xff\xff").ok()) << "numbers that did not come";
}

TEST(Fields, ASecretLiesInOnePlaceOnly) {
    const std::string bytes = to_bytes(sample(), 1000);
    EXPECT_GE(bytes.capacity(), 1000U);
}

struct Later {
    std::uint16_t number = 0;
    std::uint8_t colour = 0; // was an enum
    FIELDS(number, colour)
};
struct Swapped {
    Colour colour = Colour::red;
    std::uint16_t number = 0;
    FIELDS(colour, number)
};
struct More {
    Inner inner;
    bool more = false;
    FIELDS(inner, more)
};

TEST(Fields, TheFormTellsVersionsApart) {
    constexpr std::uint64_t now = wire::form<Inner>(fnv1a_start);
    EXPECT_NE(wire::form<Later>(fnv1a_start), now);
    EXPECT_NE(wire::form<Swapped>(fnv1a_start), now);
    EXPECT_NE(wire::form<More>(fnv1a_start), now);
    EXPECT_EQ(wire::fixed_size<More>(), 4U);
    EXPECT_EQ(wire::fixed_size<Nothing>(), 0U);
    EXPECT_EQ(wire::fixed_size<Outer>(), std::nullopt);
}

} // namespace
} // namespace posada
