// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/ftp/address.h"

#include <array>

#include "common/base/text.h"

namespace posada::proto::ftp {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::uint16_t> parse_tcp_port(std::string_view text) {
    const auto number = parse_uint(text);
    if (!number || *number == 0 || *number > 65'535) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

} // namespace

std::optional<HostPort> parse_port(std::string_view arg) {
    const auto parts = split(arg.substr(0, 64), ',');
    if (arg.size() > 64 || parts.size() != 6) return std::nullopt;
    std::array<unsigned, 6> numbers{};
    for (std::size_t i = 0; i < 6; ++i) {
        const auto number = parse_uint(trim(parts[i]));
        if (!number || *number > 255) return std::nullopt;
        numbers[i] = static_cast<unsigned>(*number);
    }
    HostPort out;
    for (std::size_t i = 0; i < 4; ++i) out.ip.append(i == 0 ? "" : ".").append(std::to_string(numbers[i]));
    out.port = static_cast<std::uint16_t>(numbers[4] * 256 + numbers[5]);
    return out;
}

EprtFault parse_eprt(std::string_view arg, HostPort& out) {
    if (arg.size() < 7 || arg.size() > 128 || arg.front() < 33 || arg.front() > 126) return EprtFault::syntax;
    const auto parts = split(arg, arg.front());
    if (parts.size() != 5 || !parts[0].empty() || !parts[4].empty()) return EprtFault::syntax;
    const auto family = parse_uint(parts[1]);
    if (!family) return EprtFault::syntax;
    if (*family != 1 && *family != 2) return EprtFault::family;
    const auto port = parse_tcp_port(parts[3]);
    if (!port || parts[2].empty()) return EprtFault::syntax;
    out = {static_cast<Family>(*family), std::string(parts[2]), *port};
    return EprtFault::none;
}

std::string print_port(std::string_view ip, std::uint16_t port) {
    std::string out(ip);
    for (char& c : out)
        if (c == '.') c = ',';
    return out.append(",").append(std::to_string(port / 256)).append(",").append(std::to_string(port % 256));
}

std::string print_eprt(Family family, std::string_view ip, std::uint16_t port) {
    std::string out = "|" + std::to_string(static_cast<unsigned>(family)) + "|";
    return out.append(ip).append("|").append(std::to_string(port)).append("|");
}

std::optional<HostPort> find_passive(std::string_view reply_text) {
    for (std::size_t i = 0; i < reply_text.size(); ++i) {
        if (!is_digit(reply_text[i]) || (i != 0 && is_digit(reply_text[i - 1]))) continue;
        std::size_t end = i;
        while (end < reply_text.size() && (is_digit(reply_text[end]) || reply_text[end] == ',')) ++end;
        std::string_view found = reply_text.substr(i, end - i);
        while (!found.empty() && found.back() == ',') found.remove_suffix(1);
        if (const auto parsed = parse_port(found)) return parsed;
    }
    return std::nullopt;
}

std::optional<std::uint16_t> find_extended_passive(std::string_view reply_text) {
    const std::size_t open = reply_text.find('(');
    if (open == std::string_view::npos) return std::nullopt;
    const std::string_view inner = reply_text.substr(open + 1, reply_text.find(')', open) - open - 1);
    if (inner.size() < 5 || inner[0] != inner[1] || inner[1] != inner[2] || inner.back() != inner[0])
        return std::nullopt;
    return parse_tcp_port(inner.substr(3, inner.size() - 4));
}

} // namespace posada::proto::ftp
