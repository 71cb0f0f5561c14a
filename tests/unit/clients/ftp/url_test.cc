// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/url.h"

#include <gtest/gtest.h>

namespace posada::ftp {

TEST(Url, HasAllItsParts) {
    const auto url = parse_url("FTP://ana:s%40l@host.example:2121/a/b%20c;type=a");
    ASSERT_TRUE(url);
    EXPECT_FALSE(url->tls);
    EXPECT_EQ(url->user, "ana");
    EXPECT_EQ(url->password, "s@l");
    EXPECT_EQ(url->host, "host.example");
    EXPECT_EQ(url->port, 2121);
    EXPECT_EQ(url->path, "a/b c");
    EXPECT_EQ(url->type, 'A');
}

TEST(Url, NeedsOnlyAHost) {
    const auto url = parse_url("ftps://[::1]");
    ASSERT_TRUE(url);
    EXPECT_TRUE(url->tls);
    EXPECT_EQ(url->host, "::1");
    EXPECT_EQ(url->user, std::nullopt);
    EXPECT_TRUE(url->is_directory());
    EXPECT_EQ(parse_url("ftp://[::1]:21/x")->port, 21);
}

TEST(Url, TwoSlashesMeanTheRoot) {
    EXPECT_EQ(parse_url("ftp://h//etc/motd")->path, "/etc/motd");
    EXPECT_EQ(parse_url("ftp://h/%2Fetc/motd")->path, "/etc/motd");
    EXPECT_TRUE(parse_url("ftp://h/a/")->is_directory());
    EXPECT_FALSE(parse_url("ftp://h/a")->is_directory());
}

TEST(Url, NothingThatWouldBeASecondCommand) {
    for (const char* text : {"ftp://h/a%0d%0aDELE%20b", "ftp://h/a%00", "ftp://u%0a:p@h/a", "ftp://u:p%0d@h/a",
                             "ftp://h/a%1b[2J", "ftp://h\n/a"})
        EXPECT_FALSE(parse_url(text)) << text;
}

TEST(Url, WhatCannotBeUnderstoodIsRefused) {
    for (const char* text :
         {"", "ftp", "ftp:/h/a", "http://h/a", "ftp://", "ftp:///a", "ftp://h:0/a", "ftp://h:65536/a", "ftp://h:/a",
          "ftp://[::1/a", "ftp://[::1]x/a", "ftp://h/%", "ftp://h/%4", "ftp://h/%zz", "ftp://h/a;type=E"})
        EXPECT_FALSE(parse_url(text)) << text;
}

} // namespace posada::ftp
