// SPDX-License-Identifier: BSD-2-Clause
// ASCII text helpers. Nothing here depends on the locale: protocol verbs are ASCII.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posada {

char ascii_lower(char c) noexcept;
char ascii_upper(char c) noexcept;
std::string ascii_lower(std::string_view s);
std::string ascii_upper(std::string_view s);
bool iequals(std::string_view a, std::string_view b) noexcept; // ASCII case-insensitive
bool istarts_with(std::string_view s, std::string_view prefix) noexcept;
std::string_view trim(std::string_view s) noexcept;                      // space and tab, both ends
std::vector<std::string_view> split(std::string_view s, char separator); // keeps empty parts
// Splits at the first run of spaces/tabs: "RETR  1" -> {"RETR", "1"}.
std::pair<std::string_view, std::string_view> split_word(std::string_view s) noexcept;
// Decimal digits only, no sign, no space; nullopt on anything else and on overflow.
std::optional<std::uint64_t> parse_uint(std::string_view s) noexcept;
// What printf(3) does, at a tenth of its cost: listings have a hundred thousand lines. Padding goes in front.
void append_number(std::string& out, std::uint64_t n, std::size_t width = 0, char padding = ' ', int base = 10);
std::string hex(std::string_view bytes);
std::optional<std::string> unhex(std::string_view text);

// For logs: printable ASCII stays, everything else (controls, quotes, backslash, 8-bit) becomes \xHH. No surrounding
// quotes.
std::string escape_for_log(std::string_view s);
// True if s holds a control byte (0-31, 127).
bool has_control(std::string_view s) noexcept;
bool is_valid_utf8(std::string_view s) noexcept;
// Edit distance for "did you mean"; and the nearest candidate within max_distance, or empty.
std::string_view nearest(std::string_view wanted, const std::vector<std::string_view>& candidates,
                         unsigned max_distance = 3);

} // namespace posada
