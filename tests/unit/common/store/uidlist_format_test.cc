// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/uidlist_format.h"

#include <gtest/gtest.h>

using namespace posada;
using namespace posada::store;

namespace {
std::string print(const UidlistText& list, bool with_z = false) {
    std::string out;
    append_header(out, list.header);
    for (const UidEntry& entry : list.entries) append_entry(out, entry, with_z);
    return out;
}
} // namespace

TEST(UidlistFormat, ReadsWhatDovecotWrites) {
    const std::string text = "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n"
                             "25006 :1276528487.M364837P9451.kurkku,S=1355,W=1394:2,\n"
                             "25017 W2481 Pold-id O7 :1276533073.M242911P3632.kurkku:2,F\n";
    const auto list = parse_uidlist(text);
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list->header.uidvalidity, 1275660208U);
    EXPECT_EQ(list->header.next_uid, 25022U);
    EXPECT_EQ(list->header.guid, "3085f01b7f11094c501100008c4a11c1");
    ASSERT_EQ(list->entries.size(), 2U);
    EXPECT_EQ(list->entries[0].uid, 25006U);
    EXPECT_EQ(list->entries[0].base(), "1276528487.M364837P9451.kurkku,S=1355,W=1394");
    EXPECT_EQ(list->entries[1].fields, "W2481 Pold-id O7");
    EXPECT_EQ(uidlist_field(list->entries[1].fields, 'P'), "old-id");
    EXPECT_EQ(uidlist_field(list->entries[1].fields, 'W'), "2481");
    EXPECT_EQ(uidlist_field(list->entries[1].fields, 'S'), std::nullopt);
    EXPECT_FALSE(list->damaged);
}

TEST(UidlistFormat, WhatItDoesNotKnowIsKept) {
    const std::string text = "3 V1 N9 Gabc Pformat Xnew\n4 W10 Qwhat Z? :a,S=1\n";
    EXPECT_EQ(print(*parse_uidlist(text)), text);
}

TEST(UidlistFormat, NextUidIsAboveEveryEntry) {
    EXPECT_EQ(parse_uidlist("3 V1 N2\n7 :a\n9 :b\n")->header.next_uid, 10U) << "lines may have been added behind";
    EXPECT_EQ(parse_uidlist("3 V1 N20\n7 :a\n")->header.next_uid, 20U);
}

TEST(UidlistFormat, WithoutAHeaderItIsNoList) {
    for (const char* text : {"", "3 V1 N2", "\n", "1 12 13\n", "3 N2\n", "3 V0 N2\n", "3 V1 Nx\n", "3 V4294967296 N1\n",
                             "3 V1 N-2\n", "V1 N2\n"})
        EXPECT_FALSE(parse_uidlist(text).ok()) << text;
}

TEST(UidlistFormat, LinesBeforeTheDamageHold) {
    for (const std::string& bad :
         {std::string("0 :x\n"), std::string("4294967295 :x\n"), std::string("2 :again\n"), std::string("1 :lower\n"),
          std::string("x :y\n"), std::string("5\n"), std::string("5 :\n"), std::string("5 W1\n"),
          std::string("5 :a/b\n"), std::string("5 :.hidden\n"), std::string("5 ::2,S\n"), std::string("5 :a\0b\n", 7),
          std::string("5 :torn"), std::string(4096, '\0')}) {
        const std::string text = "3 V1 N2\n2 :good\n" + bad;
        const auto list = parse_uidlist(text);
        ASSERT_TRUE(list.ok());
        EXPECT_TRUE(list->damaged) << bad;
        ASSERT_EQ(list->entries.size(), 1U) << bad;
        EXPECT_EQ(list->entries[0].name, "good");
    }
}

TEST(UidlistFormat, TheLastSealCounts) {
    const auto list = parse_uidlist("3 V1 N2\n2 :a\n#one\n3 :b\n#two\n");
    EXPECT_EQ(list->seal, "two");
    EXPECT_EQ(list->entries.size(), 2U);
    EXPECT_FALSE(list->damaged);
}

TEST(UidlistFormat, MeasuredSizesAreAddedOursOnlyWhereAskedFor) {
    std::string out;
    append_entry(out, {7, "Pabc", "name:2,S", 120, 0}, true);
    append_entry(out, {8, "", "odd", 0, 99}, true);
    append_entry(out, {8, "", "odd", 0, 99}, false);
    EXPECT_EQ(out, "7 Pabc W120 :name\n8 Z99 :odd\n8 :odd\n");
}

TEST(UidlistFormat, UidlIsEightHexDigitsTwice) {
    std::string out;
    append_uidl(out, 0xab, 0x5f0a0b0c);
    EXPECT_EQ(out, "000000ab5f0a0b0c");
}
