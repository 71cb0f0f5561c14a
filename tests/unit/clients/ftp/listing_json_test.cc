// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/listing_json.h"

#include <gtest/gtest.h>

namespace posada::ftp {

TEST(ListingJson, HasWhatIsKnownOfEachEntry) {
    const auto whole = *parse_mlsx("type=file;size=5;modify=20261123182533;UNIX.mode=0644;unique=8U2; a \"b\"");
    const auto bare = *parse_mlsx("type=dir; d");
    const std::vector<std::string> expected{
        "[",
        R"({"name":"a \"b\"","type":"file","size":5,"modify":"2026-11-23T18:25:33Z","mode":"0644","unique":"8U2"},)",
        R"({"name":"d","type":"directory"})", "]"};
    EXPECT_EQ(json_lines({whole, bare}), expected);
    EXPECT_EQ(json_lines({}), (std::vector<std::string>{"[", "]"}));
}

TEST(ListingJson, IsAsciiAndLosesNoName) {
    Entry entry;
    entry.name = "\xc3\xb1\x7f\xc2\x9b";
    EXPECT_EQ(json_lines({entry})[1], R"({"name":"\u00f1\u007f\u009b","type":"other"})");
    entry.name = "\xff";
    EXPECT_EQ(json_lines({entry})[1], R"({"name":"\ufffd","type":"other","octets":"ff"})");
}

TEST(ListingJson, ATimeThatIsAGuessIsNotTold) {
    const auto entry = *parse_list("-rw-r--r-- 1 0 0 5 Nov 23 18:25 a", 1'800'000'000);
    EXPECT_EQ(json_lines({entry})[1], R"({"name":"a","type":"file","size":5,"mode":"0644"})");
}

} // namespace posada::ftp
