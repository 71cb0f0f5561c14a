// SPDX-License-Identifier: BSD-2-Clause
// The line that starts a message in an mbox: "From daniel@micasa.test Mon Nov 23 01:44:05 2026". Only such a line with
// a whole date is one; a sentence of a mail that starts with "From " is not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posada::store {

constexpr std::size_t max_from_line = 1024; // octets; a longer line starts no message

struct FromLine {
    std::string sender;            // as it stands there, may be empty
    std::int64_t local_time = 0;   // the date's seconds since 1970 as if it were UTC
    std::optional<int> utc_offset; // seconds east; absent = the line does not say, by custom the writer's local time
};

// line: without its line end. Reads weekday, month, day, time, zone and year in the forms of asctime(3), Unix and UUCP
// mailers; every number is checked against its bounds.
std::optional<FromLine> parse_from_line(std::string_view line);

} // namespace posada::store
