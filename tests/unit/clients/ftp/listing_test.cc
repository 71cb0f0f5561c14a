// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/listing.h"

#include <gtest/gtest.h>

#include "clients/ftp/reply.h"
#include "common/base/time_val.h"

namespace posada::ftp {

static const UnixTime now = *parse_time_val("20261124013000");

TEST(Mlsx, FactsAreTakenWhateverTheirOrderAndCase) {
    const auto entry = parse_mlsx("Type=file;SIZE=4187;modify=20261123182533.123;UNIX.mode=0644;Unique=8U2a; a b ");
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->name, "a b ");
    EXPECT_EQ(entry->kind, Kind::file);
    EXPECT_EQ(entry->size, 4187U);
    EXPECT_EQ(entry->modified, parse_time_val("20261123182533"));
    EXPECT_TRUE(entry->exact);
    EXPECT_EQ(entry->mode, 0644U);
    EXPECT_EQ(entry->unique, "8U2a");
}

TEST(Mlsx, KindsAreTold) {
    EXPECT_EQ(parse_mlsx("type=dir; x")->kind, Kind::directory);
    EXPECT_EQ(parse_mlsx("type=OS.unix=symlink; x")->kind, Kind::link);
    EXPECT_EQ(parse_mlsx("type=OS.unix=slink:/etc/passwd; x")->kind, Kind::link);
    EXPECT_EQ(parse_mlsx("type=OS.unix=chr-1/3; x")->kind, Kind::other);
    EXPECT_EQ(parse_mlsx(" x")->kind, Kind::other);
    EXPECT_EQ(parse_mlsx("type=cdir; /home/ana")->name, ".");
    EXPECT_EQ(parse_mlsx("type=pdir; /home")->name, "..");
}

TEST(Mlsx, WhatIsNoNumberIsNotTold) {
    const auto entry = parse_mlsx("type=file;size=-1;modify=2026;UNIX.mode=99;nothing; x");
    ASSERT_TRUE(entry);
    EXPECT_FALSE(entry->size);
    EXPECT_FALSE(entry->modified);
    EXPECT_FALSE(entry->exact);
    EXPECT_FALSE(entry->mode);
    for (const char* bad : {"", "x", "type=file;x", "type=file x"}) EXPECT_FALSE(parse_mlsx(bad)) << bad;
}

TEST(List, LinesOfUnix) {
    const auto entry = parse_list("-rw-r-----   1 ana      staff        4187 Nov 23 18:25  two  blanks", now);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->name, " two  blanks");
    EXPECT_EQ(entry->kind, Kind::file);
    EXPECT_EQ(entry->size, 4187U);
    EXPECT_EQ(entry->modified, parse_time_val("20261123182500"));
    EXPECT_FALSE(entry->exact);
    EXPECT_EQ(entry->mode, 0640U);
    EXPECT_EQ(parse_list("drwxr-xr-x 2 0 0 4096 Dec 25 10:00 d", now)->modified, parse_time_val("20251225100000"));
    EXPECT_EQ(parse_list("drwxr-xr-x 2 0 0 4096 Feb 29  2024 d", now)->modified, parse_time_val("20240229000000"));
    EXPECT_EQ(parse_list("-rw-r--r-- 1 ana 5 Jan  1  2020 without group", now)->name, "without group");
    EXPECT_EQ(parse_list("-rw-r--r--+ 1 Jan 12 5 5 Jan  1  2020 Mar 1 2020 x", now)->name, "Mar 1 2020 x");
    const auto link = parse_list("lrwxrwxrwx 1 0 0 7 Nov  1 00:00 lib -> usr/lib", now);
    EXPECT_EQ(link->name, "lib");
    EXPECT_EQ(link->kind, Kind::link);
    EXPECT_EQ(parse_list("crw-rw-rw- 1 0 0 1, 3 Nov  1 00:00 null", now)->kind, Kind::other);
}

TEST(List, LinesOfWindows) {
    const auto folder = parse_list("11-23-26  06:25PM       <DIR>          My Files", now);
    ASSERT_TRUE(folder);
    EXPECT_EQ(folder->name, "My Files");
    EXPECT_EQ(folder->kind, Kind::directory);
    EXPECT_EQ(folder->modified, parse_time_val("20261123182500"));
    const auto file = parse_list("02-03-2019  12:05AM                 4187 a.txt", now);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->size, 4187U);
    EXPECT_EQ(file->modified, parse_time_val("20190203000500"));
}

TEST(List, OtherLinesAreNone) {
    for (const char* bad :
         {"", "total 12", "x", "-rw-r--r-- 1 ana staff 4187 Nov 23 18:25", "-rw-r--r-- 1 ana staff 4187 Nov 23 18:25 ",
          "-rw-r--r-- 1 ana staff 4187 Foo 23 18:25 x", "-rw-r--r-- 1 ana staff 4187 Nov 32 18:25 x",
          "13-23-26  06:25PM <DIR> x", "11-23-26  06:25PM <DIR>", "11-23-26 noon 5 x", "d", "d----------"})
        EXPECT_FALSE(parse_list(bad, now)) << bad;
}

static Listing read(std::string_view text, bool from_list = false) {
    ListingReader whole(from_list, now);
    EXPECT_TRUE(whole.take(text));
    Listing out = whole.finish();
    for (std::size_t cut = 0; cut <= text.size(); ++cut) { // in two pieces it is the same
        ListingReader reader(from_list, now);
        EXPECT_TRUE(reader.take(text.substr(0, cut)) && reader.take(text.substr(cut)));
        const Listing again = reader.finish();
        EXPECT_EQ(again.entries.size(), out.entries.size());
        EXPECT_EQ(again.refused, out.refused);
    }
    return out;
}

TEST(ListingReader, NamesThatLeadElsewhereAreRefused) {
    const Listing got = read("type=dir; ../x\r\ntype=file; /abs\r\ntype=file; a/../../b\r\ntype=file; good\r\n"
                             "type=file; \x1b[2J\r\ntype=file; \r\nnonsense\r\ntype=file; .netrc");
    ASSERT_EQ(got.entries.size(), 2U);
    EXPECT_EQ(got.entries[0].name, "good");
    EXPECT_EQ(got.entries[1].name, ".netrc");
    EXPECT_EQ(got.refused.size(), 6U);
}

TEST(ListingReader, TheDirectoryItselfIsNoEntry) {
    const Listing got = read("type=cdir; /a\r\ntype=pdir; ..\r\ntype=dir; .\r\ntype=dir; ..\r\n");
    EXPECT_TRUE(got.entries.empty());
    EXPECT_TRUE(got.refused.empty());
    EXPECT_TRUE(read("total 8\r\ndrwxr-xr-x 2 0 0 4096 Dec 25 10:00 .\r\n", true).refused.empty());
}

TEST(ListingReader, ASecondEntryOfOneNameIsRefused) {
    const Listing got = read("type=OS.unix=symlink; a\ntype=dir; a\n");
    ASSERT_EQ(got.entries.size(), 1U);
    EXPECT_EQ(got.entries[0].kind, Kind::link);
    EXPECT_EQ(got.refused, std::vector<std::string>{"a"});
}

TEST(ListingReader, NothingGoesOnForever) {
    ListingReader lines(false, now);
    EXPECT_TRUE(lines.take(std::string(max_reply_line, 'x')));
    EXPECT_FALSE(lines.take("x"));
    ListingReader entries(false, now);
    Status taken;
    std::size_t count = 0;
    for (; taken && count <= max_entries; ++count) taken = entries.take(" " + std::to_string(count) + "\n");
    EXPECT_FALSE(taken);
    EXPECT_EQ(count, max_entries + 1);
    ListingReader bad(false, now);
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(bad.take("x\n"));
    EXPECT_LT(bad.finish().refused.size(), 100U);
}

} // namespace posada::ftp
