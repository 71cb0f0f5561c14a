// SPDX-License-Identifier: BSD-2-Clause
// Where a data connection goes, as FTP writes it: PORT and 227 (RFC 959), EPRT and 229 (RFC 2428). What is parsed is
// only text; whether anybody may connect there is decided elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posada::proto::ftp {

enum class Family : std::uint8_t { ipv4 = 1, ipv6 = 2 }; // the numbers of RFC 2428 §2

struct HostPort {
    Family family = Family::ipv4;
    std::string ip; // as written: to be parsed by whoever uses it
    std::uint16_t port = 0;
};

// "192,0,2,7,200,10": six numbers of at most 255, and nothing else.
std::optional<HostPort> parse_port(std::string_view arg);
// Why an EPRT was not understood decides between 501 and 522.
enum class EprtFault : std::uint8_t { none, syntax, family };
// "|1|192.0.2.7|51210|" with any printable delimiter (RFC 2428 §2).
EprtFault parse_eprt(std::string_view arg, HostPort& out);

// "192,0,2,7,200,10"; ip is IPv4.
std::string print_port(std::string_view ip, std::uint16_t port);
std::string print_eprt(Family family, std::string_view ip, std::uint16_t port);

// From the text of a 227 reply: six numbers wherever they stand, as servers write them with and without parentheses.
std::optional<HostPort> find_passive(std::string_view reply_text);
// From the text of a 229 reply: "(|||51210|)". The port is all there is in it.
std::optional<std::uint16_t> find_extended_passive(std::string_view reply_text);

} // namespace posada::proto::ftp
