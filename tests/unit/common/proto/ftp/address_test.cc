// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/ftp/address.h"

#include <gtest/gtest.h>

#include "common/proto/ftp/quote.h"

using namespace posada::proto::ftp;

TEST(FtpAddress, PortIsSixNumbers) {
    const auto good = parse_port("192,0,2,7,200,10");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->ip, "192.0.2.7");
    EXPECT_EQ(good->port, 51210);
    EXPECT_EQ(print_port(good->ip, good->port), "192,0,2,7,200,10");
    for (const char* bad :
         {"", "1,2,3", "1,2,3,4,5", "1,2,3,4,5,6,7", "256,0,0,1,1,1", "1,2,3,4,5,256", "1,2,3,4,-5,6", "a,b,c,d,e,f",
          "1,,2,3,4,5", "0000000000000000000000000000000000000000000000000000000000001,2,3,4,5,6"})
        EXPECT_FALSE(parse_port(bad)) << bad;
}

TEST(FtpAddress, EprtTellsSyntaxFromFamily) {
    HostPort to;
    EXPECT_EQ(parse_eprt("|1|192.0.2.7|51210|", to), EprtFault::none);
    EXPECT_EQ(to.ip, "192.0.2.7");
    EXPECT_EQ(parse_eprt("!2!2001:db8::7!51210!", to), EprtFault::none);
    EXPECT_EQ(to.family, Family::ipv6);
    EXPECT_EQ(parse_eprt(print_eprt(Family::ipv6, "::1", 1024), to), EprtFault::none);
    EXPECT_EQ(parse_eprt("|3|x.example|51210|", to), EprtFault::family);
    for (const char* bad : {"", "|", "||||", "|1||51210|", "|1|192.0.2.7|0|", "|1|192.0.2.7|65536|",
                            "|1|192.0.2.7|51210", "|x|192.0.2.7|51210|", "|1|192.0.2.7|51210||",
                            "\x01"
                            "1\x01"
                            "1.2.3.4\x01"
                            "51210\x01"})
        EXPECT_EQ(parse_eprt(bad, to), EprtFault::syntax) << bad;
}

TEST(FtpAddress, RepliesAsServersWriteThem) {
    EXPECT_EQ(find_passive("Entering Passive Mode (192,0,2,1,200,10).")->port, 51210);
    EXPECT_EQ(find_passive("Entering Passive Mode 192,0,2,1,200,10")->ip, "192.0.2.1");
    EXPECT_EQ(find_passive("=192,0,2,1,200,10, go")->port, 51210);
    EXPECT_FALSE(find_passive("Entering Passive Mode"));
    EXPECT_EQ(find_extended_passive("Entering Extended Passive Mode (|||51210|)"), 51210);
    for (const char* bad : {"", "(|||51210)", "|||51210|", "(||51210|)", "(|||0|)", "(|||99999|)", "(!!|51210|)"})
        EXPECT_FALSE(find_extended_passive(bad)) << bad;
}

TEST(FtpQuote, GoesThereAndBack) {
    EXPECT_EQ(quote_path("/a \"b\""), "\"/a \"\"b\"\"\"");
    EXPECT_EQ(unquote_path("\"/a \"\"b\"\"\" is there"), "/a \"b\"");
    EXPECT_FALSE(unquote_path("\"/a"));
    EXPECT_FALSE(unquote_path("none"));
}
