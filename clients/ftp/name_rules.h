// SPDX-License-Identifier: BSD-2-Clause
// What a file is called on the other side when nobody says it: `case`, `ntrans` and `nmap`, in this order. Pure.
#pragma once

#include <string>
#include <string_view>

namespace posada::ftp {

// Small letters if there are none yet: README.TXT of an old system.
std::string lower_if_all_upper(std::string_view name);

// Each octet of from becomes the one at its place in to, or nothing if to is shorter.
struct Translation {
    std::string from;
    std::string to;
};
std::string translate(const Translation& rule, std::string_view name);

// "$1.$2" takes names apart: a $ and a digit stands for what comes before the character behind it, or for the rest.
// "$2",
// "[$1,$2]" (the first that is not empty) and "$0" (the whole name) put it together. A backslash keeps the next
// character as it is.
struct Mapping {
    std::string in;
    std::string out;
};
std::string map_name(const Mapping& rule, std::string_view name);

} // namespace posada::ftp
