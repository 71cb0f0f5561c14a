// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/ftp/control_line.h"

#include <algorithm>

namespace posada::proto::ftp {

namespace {

constexpr char iac = '\xff';
constexpr unsigned char first_command = 240; // SE; below is data behind an IAC whose command was lost as urgent data
constexpr unsigned char subnegotiation = 250;
constexpr unsigned char first_negotiation = 251; // WILL, WONT, DO, DONT: an option follows

// Octets of the Telnet command that raw starts with, its IAC included.
std::size_t command_size(std::string_view raw) {
    if (raw.size() < 2) return raw.size();
    const auto command = static_cast<unsigned char>(raw[1]);
    if (command < first_command) return 1;
    if (command == subnegotiation) {
        const std::size_t end = raw.find("\xff\xf0", 2);
        return end == std::string_view::npos ? raw.size() : end + 2;
    }
    return std::min<std::size_t>(raw.size(), command >= first_negotiation ? 3 : 2);
}

} // namespace

std::optional<std::string> clean_control_line(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    while (!raw.empty()) {
        const char c = raw.front();
        const char next = raw.size() > 1 ? raw[1] : 'x';
        if (c == '\0' || (c == '\r' && next != '\0')) return std::nullopt;
        if (c == iac && next != iac) {
            raw.remove_prefix(command_size(raw));
            continue;
        }
        out += c;
        raw.remove_prefix(c == iac || c == '\r' ? 2 : 1);
    }
    return out;
}

std::string control_text(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto u = static_cast<unsigned char>(c);
        if (c == iac) out += c;
        out += u < 0x20 || u == 0x7f ? '?' : c;
    }
    return out;
}

} // namespace posada::proto::ftp
