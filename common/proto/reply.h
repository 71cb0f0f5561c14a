// SPDX-License-Identifier: BSD-2-Clause
// The form of replies: numeric ones (SMTP, FTP) with RFC 2034 enhanced codes, and POP3's +OK/-ERR. Every text passes
// reply_text(), so nothing a client sent can start a second line; no line is longer than 512 octets with its CRLF, but
// where a name of a file may be in it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posada::proto {

constexpr std::size_t max_reply_line = 512;
constexpr std::size_t max_block_line = 8 * 1024; // a path, and what is said beside it

// Printable ASCII stays, every other byte becomes \xHH.
std::string reply_text(std::string_view text);

// What a text may be made of; utf8: a client that asked for it (RFC 6856, RFC 2640) reads whole characters, never
// broken ones.
enum class Charset : unsigned char { ascii, utf8 };
// "250 2.1.0 text\r\n"; enhanced may be empty.
std::string numeric_reply(unsigned code, std::string_view enhanced, std::string_view text);
// "250-first\r\n250 last\r\n"; lines is not empty. With an enhanced code every line carries it (RFC 2034 4).
std::string numeric_reply(unsigned code, std::string_view enhanced, std::span<const std::string> lines);
inline std::string numeric_reply(unsigned code, std::string_view enhanced, const std::vector<std::string>& lines) {
    return numeric_reply(code, enhanced, std::span<const std::string>(lines));
}

// "211-first\r\n one\r\n two\r\n211 last\r\n" (RFC 959 4.2, RFC 2389, RFC 3659): the lines between start with a blank,
// so that none of them can be taken for the last. Lines of at most max_block_line octets.
std::string numeric_block(unsigned code, std::string_view first, std::span<const std::string> lines,
                          std::string_view last, Charset charset = Charset::ascii);

// "+OK text\r\n", "+OK\r\n"
std::string ok_reply(std::string_view text = {}, Charset charset = Charset::ascii);
// "-ERR [IN-USE] text\r\n"; response_code without brackets (RFC 2449 8, RFC 3206), may be empty.
std::string err_reply(std::string_view text, std::string_view response_code = {}, Charset charset = Charset::ascii);

} // namespace posada::proto
