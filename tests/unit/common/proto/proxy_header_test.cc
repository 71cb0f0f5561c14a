// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/proxy_header.h"

#include <gtest/gtest.h>

using namespace posada::proto;
using namespace std::string_literals;

namespace {

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string binary(char command, char family, const std::string& rest) {
    std::string out = signature + command + family;
    out += static_cast<char>(rest.size() >> 8);
    out += static_cast<char>(rest.size() & 0xff);
    return out + rest;
}

const std::string ipv4 = "\xc0\x00\x02\x07\xc0\x00\x02\x01\xc3\x50\x00\x6e"s; // 192.0.2.7:50000 to 192.0.2.1:110
const std::string ipv6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"s + "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s + "\xc3\x50\x00\x6e"s;

ProxyHeaderKind kind_of(const std::string& bytes) { return read_proxy_header(bytes).kind; }

// Whatever is cut off, the answer is "more", and what follows changes nothing.
void expect_whole(const std::string& header, ProxyHeaderKind kind) {
    for (std::size_t n = 0; n < header.size(); ++n)
        EXPECT_EQ(kind_of(header.substr(0, n)), ProxyHeaderKind::need_more) << n << " of " << header;
    for (const std::string& behind : {""s, "USER x\r\n"s, "\x16\x03\x01"s}) {
        const ProxyHeader got = read_proxy_header(header + behind);
        EXPECT_EQ(got.kind, kind) << header << got.why;
        EXPECT_EQ(got.size, header.size());
    }
}

} // namespace

TEST(ProxyHeader, Version1NamesTheClient) {
    const std::string header = "PROXY TCP4 192.0.2.7 192.0.2.1 50000 110\r\n";
    expect_whole(header, ProxyHeaderKind::client);
    EXPECT_EQ(read_proxy_header(header).address, "192.0.2.7");
    EXPECT_EQ(read_proxy_header(header).port, 50000);
    const std::string six = "PROXY TCP6 2001:db8::7 2001:db8::1 65535 0\r\n";
    expect_whole(six, ProxyHeaderKind::client);
    EXPECT_EQ(read_proxy_header(six).address, "2001:db8::7");
    EXPECT_TRUE(read_proxy_header(six).ipv6);
}

TEST(ProxyHeader, Version1UnknownIsTheProxyItself) {
    expect_whole("PROXY UNKNOWN\r\n", ProxyHeaderKind::no_client);
    expect_whole("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", ProxyHeaderKind::no_client);
}

TEST(ProxyHeader, Version2NamesTheClient) {
    expect_whole(binary(0x21, 0x11, ipv4), ProxyHeaderKind::client);
    EXPECT_EQ(read_proxy_header(binary(0x21, 0x11, ipv4)).address, "192.0.2.7");
    EXPECT_EQ(read_proxy_header(binary(0x21, 0x11, ipv4)).port, 50000);
    expect_whole(binary(0x21, 0x21, ipv6), ProxyHeaderKind::client);
    EXPECT_EQ(read_proxy_header(binary(0x21, 0x21, ipv6)).address, "2001:db8:0:0:0:0:0:7");
}

TEST(ProxyHeader, Version2LocalAndOtherFamiliesAreTheProxyItself) {
    expect_whole(binary(0x20, 0x00, ""), ProxyHeaderKind::no_client);
    expect_whole(binary(0x20, 0x11, ipv4), ProxyHeaderKind::no_client);
    expect_whole(binary(0x21, 0x00, ""), ProxyHeaderKind::no_client);
    expect_whole(binary(0x21, 0x12, ipv4), ProxyHeaderKind::no_client); // UDP
    expect_whole(binary(0x21, 0x31, std::string(216, 'x')), ProxyHeaderKind::no_client);
}

TEST(ProxyHeader, TlvsAreSkippedUpTo536Octets) {
    const std::string tlv = "\x03\x00\x04"s + "abcd" + "\x04\x00\x00"s; // CRC32C, NOOP
    expect_whole(binary(0x21, 0x11, ipv4 + tlv), ProxyHeaderKind::client);
    const std::size_t room = max_proxy_header - 16 - ipv4.size();
    expect_whole(binary(0x21, 0x11, ipv4 + std::string(room, '\4')), ProxyHeaderKind::client);
    EXPECT_EQ(kind_of(binary(0x21, 0x11, ipv4 + std::string(room + 1, '\4'))), ProxyHeaderKind::malformed);
    EXPECT_EQ(kind_of(signature + "\x21\x11\xff\xff"s), ProxyHeaderKind::malformed) << "refused before it has come";
}

TEST(ProxyHeader, WhatIsNoHeaderIsMalformedAtItsFirstWrongOctet) {
    for (const std::string& bytes : {"USER lir\r\n"s,
                                     "EHLO x\r\n"s,
                                     "\x16\x03\x01"s,
                                     "proxy TCP4"s,
                                     "PROXYTCP4"s,
                                     "\r\n\r\n\0\r\nQUIT\r"s,
                                     "P "s,
                                     "PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n"s,
                                     "PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n"s,
                                     "PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n"s,
                                     "PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n"s,
                                     "PROXY TCP4 2001:db8::7 192.0.2.1 1 2\r\n"s,
                                     "PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n"s,
                                     "PROXY TCP4 192.0.2.7 192.0.2.1 65536 2\r\n"s,
                                     "PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n"s,
                                     "PROXY TCP4 192.0.2.7 192.0.2.1 -1 2\r\n"s,
                                     "PROXY TCP4 localhost 192.0.2.1 1 2\r\n"s,
                                     "PROXY \r\n"s,
                                     "PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n"s,
                                     "PROXY "s + std::string(101, 'x')})
        EXPECT_EQ(kind_of(bytes), ProxyHeaderKind::malformed) << bytes;
    EXPECT_EQ(kind_of(binary(0x11, 0x11, ipv4)), ProxyHeaderKind::malformed) << "version 1 in binary";
    EXPECT_EQ(kind_of(binary(0x22, 0x11, ipv4)), ProxyHeaderKind::malformed) << "unknown command";
    EXPECT_EQ(kind_of(binary(0x21, 0x11, ipv4.substr(1))), ProxyHeaderKind::malformed);
    EXPECT_EQ(kind_of(binary(0x21, 0x21, ipv6.substr(1))), ProxyHeaderKind::malformed);
}
