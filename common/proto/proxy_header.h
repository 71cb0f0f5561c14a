// SPDX-License-Identifier: BSD-2-Clause
// The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): what a proxy writes before the client's first
// byte to say who the client is. Pure: bytes in, the header or what is wrong with it out. Only the client's address is
// taken; the destination is checked and forgotten, TLVs are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posada::proto {

constexpr std::size_t max_proxy_header = 536; // octets with all TLVs: what always fits the first segment

enum class ProxyHeaderKind : unsigned char {
    need_more, // every octet so far belongs to a header
    client,    // address and port are the client's
    no_client, // UNKNOWN, LOCAL, or a family that is not TCP: the connection is the proxy's own
    malformed,
};

struct ProxyHeader {
    ProxyHeaderKind kind = ProxyHeaderKind::need_more;
    std::size_t size = 0; // octets of the header
    std::string address;  // "192.0.2.7", "2001:db8:0:0:0:0:0:1"; of version 1 as written, digits and colons only
    bool ipv6 = false;    // what the header says the address is
    std::uint16_t port = 0;
    std::string_view why = ""; // malformed: for the log
};

ProxyHeader read_proxy_header(std::string_view bytes);

} // namespace posada::proto
