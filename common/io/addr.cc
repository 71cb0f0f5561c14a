// SPDX-License-Identifier: BSD-2-Clause
// Addresses are normalised on the way in: an IPv4-mapped IPv6 address is IPv4 from then on, so that no limit, network
// list or log line sees the same host under two names.
#include "common/io/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "common/base/text.h"

namespace posada::io {
namespace {

constexpr std::string_view mapped_prefix{"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12};

Error bad_address(std::string_view text) {
    return Error{Errc::invalid, 0,
                 "\"" + escape_for_log(text) + "\" is not an IP address (write 192.0.2.7 or 2001:db8::1)"};
}

std::string_view without_brackets(std::string_view text) {
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']') return text.substr(1, text.size() - 2);
    return text;
}

// 4 or 16 bytes, not normalised; empty when it is no address.
std::string address_bytes(std::string_view text) {
    if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return {};
    const std::string z(text);
    std::string out(16, '\0');
    if (inet_pton(AF_INET6, z.c_str(), out.data()) == 1) return out;
    out.resize(4);
    if (inet_pton(AF_INET, z.c_str(), out.data()) == 1) return out;
    return {};
}

bool is_mapped(std::string_view bytes) { return bytes.size() == 16 && bytes.substr(0, 12) == mapped_prefix; }

std::string bytes_text(std::string_view bytes) {
    char out[INET6_ADDRSTRLEN] = {};
    inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), out, sizeof out);
    return out;
}

// The address of a sockaddr as 4 or 16 bytes; empty for a unix socket.
std::string_view raw_bytes(const sockaddr_storage& storage) {
    const auto* p = reinterpret_cast<const char*>(&storage);
    if (storage.ss_family == AF_INET) return {p + offsetof(sockaddr_in, sin_addr), 4};
    if (storage.ss_family == AF_INET6) return {p + offsetof(sockaddr_in6, sin6_addr), 16};
    return {};
}

sockaddr_in make_v4(std::string_view bytes, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    std::memcpy(&out.sin_addr, bytes.data(), 4);
    return out;
}

sockaddr_in6 make_v6(std::string_view bytes, std::uint16_t port) {
    sockaddr_in6 out{};
    out.sin6_family = AF_INET6;
    out.sin6_port = htons(port);
    std::memcpy(&out.sin6_addr, bytes.data(), 16);
    return out;
}

bool same_prefix(std::string_view a, std::string_view b, unsigned bits) {
    if (a.size() != b.size()) return false;
    const std::size_t whole = bits / 8;
    if (a.substr(0, whole) != b.substr(0, whole)) return false;
    const unsigned rest = bits % 8;
    if (rest == 0) return true;
    const unsigned mask = 0xFFU << (8 - rest) & 0xFFU;
    return (static_cast<unsigned char>(a[whole]) & mask) == (static_cast<unsigned char>(b[whole]) & mask);
}

std::string masked(std::string bytes, unsigned bits) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const unsigned keep = static_cast<unsigned>(std::clamp<std::size_t>(bits, 8 * i, 8 * i + 8) - 8 * i);
        bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) & (0xFF00U >> keep & 0xFFU));
    }
    return bytes;
}

struct Block {
    std::string_view bytes;
    unsigned prefix;
};

bool in_any(std::string_view raw, const Block* blocks, std::size_t count) {
    return std::any_of(blocks, blocks + count, [&](const Block& b) {
        std::string padded(b.bytes);
        padded.resize(raw.size(), '\0');
        return same_prefix(raw, padded, b.prefix);
    });
}

} // namespace

Result<Address> Address::parse(std::string_view ip, std::uint16_t port) {
    std::string bytes = address_bytes(without_brackets(ip));
    if (bytes.empty()) return bad_address(ip);
    if (bytes.size() == 4) {
        const sockaddr_in v4 = make_v4(bytes, port);
        return from_sockaddr(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
    }
    const sockaddr_in6 v6 = make_v6(bytes, port);
    return from_sockaddr(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

Result<Address> Address::parse_with_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    const auto fail = [&] {
        return Error{Errc::invalid, 0,
                     "\"" + escape_for_log(text) +
                         "\" is not ADDRESS:PORT (write 127.0.0.1:8025, [::1]:8025 or *:8025)"};
    };
    if (colon == std::string_view::npos || colon == 0) return fail();
    const std::string_view host = text.substr(0, colon);
    const auto port = parse_uint(text.substr(colon + 1));
    if (!port || *port > 65535) return fail();
    // Without brackets "::1:25" is ambiguous: it is an address itself.
    if (host.find(':') != std::string_view::npos && (host.front() != '[' || host.back() != ']')) return fail();
    auto out = parse(host == "*" ? "0.0.0.0" : host, static_cast<std::uint16_t>(*port));
    if (!out) return fail();
    return out;
}

Result<Address> Address::of_peer(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return errno_error("getpeername");
    return from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), size);
}

Result<Address> Address::of_local(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return errno_error("getsockname");
    return from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), size);
}

Address Address::from_sockaddr(const sockaddr* sa, socklen_t size) {
    Address out;
    if (size < sizeof(sa_family_t)) return out;
    const sa_family_t family = sa->sa_family;
    const bool known = (family == AF_INET && size >= sizeof(sockaddr_in)) ||
                       (family == AF_INET6 && size >= sizeof(sockaddr_in6)) || family == AF_UNIX;
    if (!known) return out;
    out.size_ = static_cast<socklen_t>(std::min<std::size_t>(size, sizeof out.storage_));
    std::memcpy(&out.storage_, sa, out.size_);
    const std::string_view raw = raw_bytes(out.storage_);
    if (!is_mapped(raw)) return out;
    const sockaddr_in v4 = make_v4(raw.substr(12), out.port());
    out.storage_ = sockaddr_storage{};
    std::memcpy(&out.storage_, &v4, sizeof v4);
    out.size_ = sizeof v4;
    return out;
}

std::string_view Address::bytes() const { return raw_bytes(storage_); }

std::string Address::ip() const {
    if (!valid()) return {};
    const std::string_view raw = bytes();
    return raw.empty() ? "local" : bytes_text(raw);
}

std::uint16_t Address::port() const {
    // sin_port and sin6_port share their place.
    std::uint16_t port = 0;
    if (bytes().empty()) return 0;
    std::memcpy(&port, reinterpret_cast<const char*>(&storage_) + offsetof(sockaddr_in, sin_port), sizeof port);
    return ntohs(port);
}

std::string Address::text() const {
    if (bytes().empty()) return ip();
    return (is_ipv6() ? "[" + ip() + "]" : ip()) + ":" + std::to_string(port());
}

std::string Address::smtp_literal() const { return (is_ipv6() ? "[IPv6:" : "[") + ip() + "]"; }

bool Address::is_loopback() const {
    static constexpr Block v4[] = {{"\x7f", 8}};
    const std::string_view raw = bytes();
    if (raw.size() == 4) return in_any(raw, v4, std::size(v4));
    if (raw.size() == 16) return raw.substr(0, 15) == std::string(15, '\0') && raw[15] == '\x01';
    return valid();
}

bool Address::is_private() const {
    static constexpr Block v4[] = {{"\x0a", 8}, {"\xac\x10", 12}, {"\xc0\xa8", 16}, {"\xa9\xfe", 16}};
    static constexpr Block v6[] = {{"\xfc", 7}, {"\xfe\x80", 10}};
    const std::string_view raw = bytes();
    if (is_loopback()) return true;
    return raw.size() == 4 ? in_any(raw, v4, std::size(v4)) : raw.size() == 16 && in_any(raw, v6, std::size(v6));
}

std::string Address::source_key() const {
    if (!is_ipv6()) return ip();
    return bytes_text(masked(std::string(bytes()), 64)) + "/64";
}

Result<Network> Network::parse(std::string_view cidr) {
    const std::size_t slash = cidr.find('/');
    std::string bytes = address_bytes(without_brackets(cidr.substr(0, slash)));
    const auto fail = [&](const std::string& why) {
        return Error{Errc::invalid, 0, "\"" + escape_for_log(cidr) + "\" is not a network: " + why};
    };
    if (bytes.empty()) return fail("write an address and a prefix length, as in 192.168.0.0/16 or fd00::/8");
    std::uint64_t prefix = 8 * bytes.size();
    if (slash != std::string_view::npos) {
        const auto given = parse_uint(cidr.substr(slash + 1));
        if (!given || *given > prefix) return fail("the prefix length must be 0 to " + std::to_string(prefix));
        prefix = *given;
    }
    if (is_mapped(bytes) && prefix >= 96) {
        bytes.erase(0, 12);
        prefix -= 96;
    }
    Network out;
    out.prefix_ = static_cast<unsigned>(prefix);
    out.bytes_ = masked(bytes, out.prefix_);
    if (out.bytes_ != bytes) return fail("it has bits beyond its prefix; write " + out.text());
    return out;
}

bool Network::contains(const Address& a) const { return !bytes_.empty() && same_prefix(a.bytes(), bytes_, prefix_); }

std::string Network::text() const {
    return bytes_.empty() ? std::string() : bytes_text(bytes_) + "/" + std::to_string(prefix_);
}

bool contains(const std::vector<Network>& networks, const Address& a) {
    return std::any_of(networks.begin(), networks.end(), [&](const Network& n) { return n.contains(a); });
}

} // namespace posada::io
