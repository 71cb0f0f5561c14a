// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/addr822.h"

#include <gtest/gtest.h>

#include <string>

namespace posada::proto {
namespace {

std::string forward(std::string_view text) {
    const ParsedPath path = parse_forward_path(text);
    return path.fault == PathFault::none ? path.mailbox.text() : std::string("! ") + path_fault_text(path.fault);
}
PathFault fault(std::string_view text) { return parse_forward_path(text).fault; }

TEST(Path, OrdinaryMailbox) {
    const ParsedPath path = parse_reverse_path("<daniel.morato@Unavarra.ES>");
    EXPECT_EQ(path.fault, PathFault::none);
    EXPECT_EQ(path.mailbox.local, "daniel.morato");
    EXPECT_EQ(path.mailbox.domain, "unavarra.es");
    EXPECT_EQ(path.notes, 0);
    EXPECT_EQ(path.rest, "");
}

TEST(Path, WhatPeopleTypeIsAcceptedWithANote) {
    const ParsedPath spaced = parse_reverse_path(" <daniel.morato@unavarra.es>");
    EXPECT_EQ(spaced.mailbox.text(), "daniel.morato@unavarra.es");
    EXPECT_EQ(spaced.notes, space_after_colon);
    const ParsedPath bare = parse_forward_path(" danielmorato@yahoo.com ");
    EXPECT_EQ(bare.mailbox.text(), "danielmorato@yahoo.com");
    EXPECT_EQ(bare.notes, space_after_colon | no_brackets);
}

TEST(Path, ParametersStayBehind) {
    EXPECT_EQ(parse_reverse_path("<a@b.example> SIZE=100 BODY=8BITMIME").rest, "SIZE=100 BODY=8BITMIME");
    EXPECT_EQ(parse_reverse_path("a@b.example SIZE=100").rest, "SIZE=100");
    EXPECT_EQ(fault("<a@b.example>SIZE=1"), PathFault::syntax);
}

TEST(Path, NullReversePath) {
    EXPECT_TRUE(parse_reverse_path("<>").mailbox.null());
    EXPECT_EQ(parse_reverse_path("<> SIZE=9").rest, "SIZE=9");
    EXPECT_EQ(parse_reverse_path("<>").mailbox.text(), "");
    EXPECT_EQ(fault("<>"), PathFault::syntax);
    EXPECT_EQ(parse_reverse_path("").fault, PathFault::syntax);
    EXPECT_EQ(parse_reverse_path("<>x").fault, PathFault::syntax);
}

TEST(Path, PostmasterNeedsNoDomain) {
    EXPECT_EQ(forward("<Postmaster>"), "Postmaster");
    EXPECT_EQ(forward("<POSTMASTER>"), "Postmaster");
    EXPECT_EQ(fault("<lir>"), PathFault::no_domain);
    EXPECT_EQ(parse_reverse_path("<Postmaster>").fault, PathFault::no_domain);
}

TEST(Path, QuotedLocalParts) {
    EXPECT_EQ(forward("<\"a b\"@c.example>"), "\"a b\"@c.example");
    EXPECT_EQ(forward("<\"plain\"@c.example>"), "plain@c.example");
    EXPECT_EQ(forward("<\"a\\\"b\\\\c\"@d.example>"), "\"a\\\"b\\\\c\"@d.example");
    EXPECT_EQ(forward("<\"u@ext.example\"@local.example>"), "\"u@ext.example\"@local.example");
    EXPECT_EQ(fault("<\"\"@c.example>"), PathFault::syntax);
    EXPECT_EQ(fault("<\"a@c.example>"), PathFault::syntax);
    EXPECT_EQ(fault("<\"a\\"), PathFault::syntax);
}

TEST(Path, AddressLiterals) {
    EXPECT_EQ(forward("<a@[192.0.2.7]>"), "a@[192.0.2.7]");
    EXPECT_EQ(forward("<a@[ipv6:2001:DB8:0::1]>"), "a@[IPv6:2001:db8::1]");
    for (const char* bad : {"<a@[1.2.3]>", "<a@[1.2.3.4.5]>", "<a@[IPv6:1.2.3.4]>", "<a@[::1]>", "<a@[x:y]>", "<a@[]>",
                            "<a@[1.2.3.4>", "<a@[IPv6:fe80::1%eth0]>"})
        EXPECT_EQ(fault(bad), PathFault::bad_domain) << bad;
}

TEST(Path, SourceRouteIsIgnored) {
    const ParsedPath path = parse_forward_path("<@one.example,@two.example:user@three.example>");
    EXPECT_EQ(path.mailbox.text(), "user@three.example");
    EXPECT_EQ(path.notes, source_route);
    EXPECT_EQ(fault("<@one.example user@x.example>"), PathFault::syntax);
    EXPECT_EQ(fault("<@:user@x.example>"), PathFault::bad_domain);
}

// Reference list row 46: routing characters are part of the name.
TEST(Path, PercentAndBangAreLocalParts) {
    EXPECT_EQ(parse_forward_path("<u%ext.example@local.example>").mailbox.local, "u%ext.example");
    EXPECT_EQ(parse_forward_path("<ext.example!u@local.example>").mailbox.local, "ext.example!u");
    EXPECT_EQ(fault("<u@ext.example@local.example>"), PathFault::syntax);
}

// Row 13 (CVE-2020-7247): no domain does not switch the checks off.
TEST(Path, ShellTextIsNotAnAddress) {
    for (const char* bad : {"<;sleep 9;>", "<;cmd;>", "<$(id)>", "<a;b@c.example>", "<a b@c.example>", "<a@b;c>",
                            "<a@b c>", "<|/bin/sh@c.example", "<a,b@c.example>", "<(a)@c.example>"})
        EXPECT_NE(fault(bad), PathFault::none) << bad;
    EXPECT_EQ(parse_reverse_path("<`id`>").fault, PathFault::no_domain);
    EXPECT_EQ(parse_reverse_path("<;sleep 9;>").fault, PathFault::syntax);
}

TEST(Path, DomainRules) {
    for (const char* bad : {"<a@>", "<a@.b>", "<a@b.>", "<a@b..c>", "<a@-b.c>", "<a@b-.c>", "<a@1.2.3.4>", "<a@b.1>"})
        EXPECT_EQ(fault(bad), PathFault::bad_domain) << bad;
    EXPECT_EQ(forward("<a@localhost>"), "a@localhost");
    EXPECT_EQ(forward("<a@1st.example-two.x_y>"), "a@1st.example-two.x_y");
    EXPECT_EQ(fault("<a@" + std::string(64, 'x') + ".example>"), PathFault::bad_domain);
    EXPECT_EQ(fault("<a@" + std::string(63, 'x') + ".example>"), PathFault::none);
}

TEST(Path, DotsInTheLocalPart) {
    for (const char* bad : {"<.a@b.example>", "<a.@b.example>", "<a..b@c.example>", "<.@b.example>", "<@b.example>"})
        EXPECT_EQ(fault(bad), PathFault::syntax) << bad;
}

TEST(Path, Lengths) {
    EXPECT_EQ(fault("<" + std::string(64, 'a') + "@b.example>"), PathFault::none);
    EXPECT_EQ(fault("<" + std::string(65, 'a') + "@b.example>"), PathFault::local_too_long);
    EXPECT_EQ(fault("<\"" + std::string(65, 'a') + "\"@b.example>"), PathFault::local_too_long);
    std::string domain;
    while (domain.size() < 300) domain += "label.";
    EXPECT_EQ(fault("<a@" + domain + "example>"), PathFault::domain_too_long);
}

// Row 39.
TEST(Path, ControlAndEightBitBytes) {
    EXPECT_EQ(fault("<se\xc3\xb1or@b.example>"), PathFault::non_ascii);
    EXPECT_EQ(fault("<a@espa\xc3\xb1"
                    "a.example>"),
              PathFault::non_ascii);
    EXPECT_EQ(fault("<\"\xc3\xb1\"@b.example>"), PathFault::non_ascii);
    EXPECT_EQ(fault(std::string_view("<a\0@b.example>", 14)), PathFault::syntax);
    EXPECT_EQ(fault(std::string_view("<\"a\0\"@b.example>", 16)), PathFault::syntax);
    EXPECT_EQ(fault("<\"a\\\x01\"@b.example>"), PathFault::syntax);
}

TEST(Path, TextParsesBackToTheSameMailbox) {
    for (const char* text : {"<a@b.example>", "<\"a b\"@b.example>", "<\"\\\"\"@b.example>", "<a@[IPv6:::1]>",
                             "<\"a.\"@b.example>", "<x+y=z@b.example>"}) {
        const Mailbox first = parse_forward_path(text).mailbox;
        const ParsedPath again = parse_forward_path("<" + first.text() + ">");
        EXPECT_EQ(again.fault, PathFault::none) << text;
        EXPECT_EQ(again.mailbox, first) << text;
    }
}

} // namespace
} // namespace posada::proto
