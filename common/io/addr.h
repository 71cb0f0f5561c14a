// SPDX-License-Identifier: BSD-2-Clause
// Socket addresses and networks. No name resolution here: getaddrinfo never runs in a sandboxed process.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::io {

class Address {
  public:
    Address() = default;
    // "192.0.2.7", "::1", "[::1]"; IPv4-mapped IPv6 becomes IPv4.
    static Result<Address> parse(std::string_view ip, std::uint16_t port);
    // "127.0.0.1:8025", "[::1]:8025", "*:8025" (every IPv4 address)
    static Result<Address> parse_with_port(std::string_view text);
    static Result<Address> of_peer(int fd);
    static Result<Address> of_local(int fd);
    static Address from_sockaddr(const sockaddr* sa, socklen_t size);

    [[nodiscard]] bool valid() const { return size_ != 0; }
    [[nodiscard]] bool is_ipv6() const { return storage_.ss_family == AF_INET6; }
    [[nodiscard]] std::string ip() const; // "192.0.2.7", "2001:db8::1"; "local" for a unix socket
    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::string text() const;         // "192.0.2.7:25", "[::1]:25"
    [[nodiscard]] std::string smtp_literal() const; // "[192.0.2.7]", "[IPv6:::1]" (RFC 5321 4.1.3)
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] bool is_private() const; // loopback, RFC 1918, ULA, link local
    // What limits and penalties count: the IPv4 address, the IPv6 /64.
    [[nodiscard]] std::string source_key() const;
    [[nodiscard]] const sockaddr* sa() const { return reinterpret_cast<const sockaddr*>(&storage_); }
    [[nodiscard]] socklen_t size() const { return size_; }
    [[nodiscard]] std::string_view bytes() const; // 4 or 16 bytes in network order; empty for a unix socket

  private:
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

class Network { // "10.0.0.0/8", "::1/128", "192.0.2.7"
  public:
    // Bits beyond the prefix are refused ("10.0.0.5/8"): whoever wrote them meant something else.
    static Result<Network> parse(std::string_view cidr);
    [[nodiscard]] bool contains(const Address& a) const;
    [[nodiscard]] std::string text() const;

  private:
    std::string bytes_; // 4 or 16 bytes
    unsigned prefix_ = 0;
};
bool contains(const std::vector<Network>& networks, const Address& a);

// What a configured address stands for: itself; "*" is every IPv4 address and, where the host speaks IPv6, every IPv6
// address too, each to be listened on.
Result<std::vector<Address>> bind_addresses(std::string_view address, std::uint16_t port);
// A listening TCP socket, SO_REUSEADDR, non-blocking, close-on-exec; IPv6 sockets are V6ONLY.
Result<UniqueFd> listen_tcp(const Address& at, int backlog = 511);
// Binds path (removing a socket that nobody listens on first) with this mode. Non-blocking; Errc::busy if it is in use.
Result<UniqueFd> listen_unix_seqpacket(const std::string& path, mode_t mode);
// Blocking, close-on-exec.
Result<UniqueFd> connect_unix_seqpacket(const std::string& path);

} // namespace posada::io
