// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/maildir_name.h"

#include <gtest/gtest.h>

using namespace posada::store;

TEST(MaildirName, FieldsAndFlagsAreTakenApart) {
    const MaildirName name = parse_maildir_name("1700000000.M1P2Q3.host,S=1234,W=1300:2,FS");
    EXPECT_EQ(name.base, "1700000000.M1P2Q3.host,S=1234,W=1300");
    EXPECT_EQ(name.size, 1234U);
    EXPECT_EQ(name.crlf_size, 1300U);
    EXPECT_EQ(name.time, 1'700'000'000U);
}

TEST(MaildirName, ForeignNamesHaveNoSizes) {
    const MaildirName name = parse_maildir_name("hello,S=12x,W=");
    EXPECT_EQ(name.base, "hello,S=12x,W=");
    EXPECT_FALSE(name.size.has_value());
    EXPECT_FALSE(name.crlf_size.has_value());
    EXPECT_EQ(name.time, 0U);
    EXPECT_EQ(parse_maildir_name("").base, "");
    EXPECT_EQ(parse_maildir_name("99999999999999999999999.x").time, 0U) << "overflow is not a time";
}

TEST(MaildirName, UniqueNamesHoldTimeProcessAndSequence) {
    EXPECT_EQ(unique_name(1'700'000'000'000'123, 4711, 2, "mail.example.org"),
              "1700000000.M000123P4711Q2.mail.example.org");
    EXPECT_EQ(unique_name(1'000'000, 1, 1, "a/b:c,d"), "1.M000000P1Q1.a\\057b\\072c\\054d");
}

TEST(MaildirName, DeliveryNamesAreTheSameForEveryAttempt) {
    EXPECT_EQ(delivery_name(1'700'000'000, "a1b2", 7, "host"), "1700000000.Qa1b2R7.host");
    EXPECT_EQ(with_sizes("x", 10, 12), "x,S=10,W=12");
    EXPECT_EQ(with_sizes("x", 10, std::nullopt), "x,S=10");
}

TEST(MaildirName, AUniqueIdIsOneToSeventyVisibleCharacters) {
    EXPECT_TRUE(is_uidl("x"));
    EXPECT_TRUE(is_uidl(std::string(70, '~')));
    for (const std::string& odd : {std::string(), std::string(71, 'a'), std::string("a b"), std::string("\xc3\xb1")})
        EXPECT_FALSE(is_uidl(odd)) << odd;
}

TEST(MaildirName, FlagsAreAddedInOrderAndNoneIsLost) {
    EXPECT_EQ(with_flags("1.a,S=3", "S"), "1.a,S=3:2,S");
    EXPECT_EQ(with_flags("1.a:2,", "S"), "1.a:2,S");
    EXPECT_EQ(with_flags("1.a:2,TbFa", "S"), "1.a:2,FSTab");
    EXPECT_EQ(with_flags("1.a:2,FS", "S"), "1.a:2,FS");
    EXPECT_EQ(flags_of("1.a:2,FS"), "FS");
    EXPECT_EQ(flags_of("1.a:1,x"), "");
}
