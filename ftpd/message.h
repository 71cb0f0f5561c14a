// SPDX-License-Identifier: BSD-2-Clause
// The texts an administrator writes for people: welcome and .message. Cookies are those of wu-ftpd's message files; one
// that is not known stays as it stands. Pure.
#pragma once

#include <string>
#include <string_view>

namespace posada::ftpd {

struct MessageFacts {
    std::string time;      // %T
    std::string directory; // %C
    std::string client;    // %R its address
    std::string host;      // %L this host
    std::string user;      // %U
    std::string email;     // %E of the administrator
    std::string sessions;  // %M how many of this class there may be
};
// "%%" is a percent sign. What a cookie stands for is never looked through for others.
std::string expand_message(std::string_view text, const MessageFacts& facts);

constexpr std::size_t most_message_lines = 100;
// "230-line" for each of them, control octets made harmless.
std::string message_reply(unsigned code, std::string_view text);

} // namespace posada::ftpd
