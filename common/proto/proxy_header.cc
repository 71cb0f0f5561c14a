// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/proxy_header.h"

#include <algorithm>
#include <cstdio>

#include "common/base/text.h"

namespace posada::proto {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view signature_1 = "PROXY ";
constexpr std::string_view signature_2 = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t max_line = 107;  // of version 1, with CRLF
constexpr std::size_t fixed_size = 16; // of version 2
constexpr std::size_t ipv4_block = 12;
constexpr std::size_t ipv6_block = 36;

ProxyHeader malformed(std::string_view why) {
    ProxyHeader out;
    out.kind = ProxyHeaderKind::malformed;
    out.why = why;
    return out;
}

ProxyHeader no_client(std::size_t size) {
    ProxyHeader out;
    out.kind = ProxyHeaderKind::no_client;
    out.size = size;
    return out;
}

ProxyHeader client(std::size_t size, bool ipv6, std::string address, std::uint16_t port) {
    ProxyHeader out;
    out.kind = ProxyHeaderKind::client;
    out.size = size;
    out.ipv6 = ipv6;
    out.address = std::move(address);
    out.port = port;
    return out;
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                      static_cast<unsigned char>(bytes[at + 1]));
}

bool is_prefix(std::string_view bytes, std::string_view whole) {
    return whole.substr(0, bytes.size()) == bytes.substr(0, whole.size());
}

// What an address may be written with; whether it is one decides whoever makes an address of it.
bool is_address_text(std::string_view text, bool ipv6) {
    const std::string_view letters = ipv6 ? "0123456789abcdefABCDEF:." : "0123456789.";
    return !text.empty() && text.find_first_not_of(letters) == std::string_view::npos &&
           (text.find(':') != std::string_view::npos) == ipv6;
}

// No sign, no leading zero.
bool is_port(std::string_view text) {
    const auto port = parse_uint(text);
    return port && *port <= 65'535 && (text == "0" || text.front() != '0');
}

// "PROXY TCP4 192.0.2.7 192.0.2.1 50000 110"
ProxyHeader read_line(std::string_view bytes) {
    const std::size_t end = bytes.substr(0, max_line).find('\n');
    if (end == std::string_view::npos) return bytes.size() < max_line ? ProxyHeader() : malformed("no line end");
    if (bytes[end - 1] != '\r') return malformed("no CRLF");
    const auto words = split(bytes.substr(0, end - 1), ' ');
    if (words[1] == "UNKNOWN") return no_client(end + 1);
    const bool ipv6 = words[1] == "TCP6";
    if (!ipv6 && words[1] != "TCP4") return malformed("unknown family");
    if (words.size() != 6) return malformed("six words are expected");
    if (!is_address_text(words[2], ipv6) || !is_address_text(words[3], ipv6)) return malformed("bad address");
    if (!is_port(words[4]) || !is_port(words[5])) return malformed("bad port");
    return client(end + 1, ipv6, std::string(words[2]), static_cast<std::uint16_t>(*parse_uint(words[4])));
}

std::string ipv4_text(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) out.append(out.empty() ? "" : ".").append(std::to_string(static_cast<unsigned char>(c)));
    return out;
}

std::string ipv6_text(std::string_view bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        char group[8];
        std::snprintf(group, sizeof group, "%s%x", i == 0 ? "" : ":", static_cast<unsigned>(number_at(bytes, i)));
        out += group;
    }
    return out;
}

ProxyHeader read_binary(std::string_view bytes) {
    if (bytes.size() < fixed_size) return {};
    const auto version_and_command = static_cast<unsigned char>(bytes[12]);
    const auto family = static_cast<unsigned char>(bytes[13]);
    const std::size_t length = number_at(bytes, 14);
    const std::size_t size = fixed_size + length;
    if (version_and_command != 0x20 && version_and_command != 0x21) return malformed("unknown version or command");
    if (size > max_proxy_header) return malformed("header too long");
    if (bytes.size() < size) return {};
    const bool ipv6 = family == 0x21;
    if (version_and_command == 0x20 || (!ipv6 && family != 0x11)) return no_client(size);
    if (length < (ipv6 ? ipv6_block : ipv4_block)) return malformed("no room for the addresses");
    const std::string_view block = bytes.substr(fixed_size);
    if (ipv6) return client(size, true, ipv6_text(block.substr(0, 16)), number_at(block, 32));
    return client(size, false, ipv4_text(block.substr(0, 4)), number_at(block, 8));
}

} // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
    if (is_prefix(bytes, signature_1)) return bytes.size() < signature_1.size() ? ProxyHeader() : read_line(bytes);
    if (is_prefix(bytes, signature_2)) return read_binary(bytes);
    return malformed("no PROXY header");
}

} // namespace posada::proto
