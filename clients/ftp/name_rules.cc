// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/name_rules.h"

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace posada::ftp {

namespace {

using Parts = std::array<std::string_view, 10>; // $0 to $9

// The number behind a $ at this place; -1: there is none.
int variable_at(std::string_view pattern, std::size_t at, char least) {
    if (at + 1 >= pattern.size() || pattern[at] != '$') return -1;
    const char digit = pattern[at + 1];
    return digit >= least && digit <= '9' ? digit - '0' : -1;
}

char literal_at(std::string_view pattern, std::size_t& at) {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    return pattern[at++];
}

// Up to what does not fit: the rest of the variables stays empty.
Parts take_apart(std::string_view pattern, std::string_view name) {
    Parts parts{};
    parts[0] = name;
    for (std::size_t at = 0; at < pattern.size();) {
        const int variable = variable_at(pattern, at, '1');
        if (variable < 0) {
            if (name.empty() || literal_at(pattern, at) != name.front()) break;
            name.remove_prefix(1);
            continue;
        }
        at += 2;
        std::size_t behind = at;
        const std::size_t end = at < pattern.size() ? name.find(literal_at(pattern, behind)) : name.size();
        const std::string_view part = name.substr(0, end);
        parts[static_cast<std::size_t>(variable)] = part;
        name.remove_prefix(part.size());
    }
    return parts;
}

// Up to one of the characters in ends, which are not taken.
std::string put_together(std::string_view pattern, std::size_t& at, std::string_view ends, const Parts& parts) {
    std::string out;
    while (at < pattern.size() && ends.find(pattern[at]) == std::string_view::npos) {
        const int variable = variable_at(pattern, at, '0');
        if (variable < 0) {
            out += literal_at(pattern, at);
            continue;
        }
        out += parts[static_cast<std::size_t>(variable)];
        at += 2;
    }
    return out;
}

// "[one,two]"; at stands behind the bracket.
std::string choose(std::string_view pattern, std::size_t& at, const Parts& parts) {
    std::string first = put_together(pattern, at, ",]", parts);
    std::string second;
    if (at < pattern.size() && pattern[at] == ',') second = put_together(pattern, ++at, "]", parts);
    if (at < pattern.size()) ++at;
    return first.empty() ? second : first;
}

} // namespace

std::string lower_if_all_upper(std::string_view name) {
    const bool small = std::any_of(name.begin(), name.end(), [](char c) { return ascii_upper(c) != c; });
    return small ? std::string(name) : ascii_lower(name);
}

std::string translate(const Translation& rule, std::string_view name) {
    std::string out;
    for (const char c : name) {
        const std::size_t at = rule.from.find(c);
        if (at == std::string::npos)
            out += c;
        else if (at < rule.to.size())
            out += rule.to[at];
    }
    return out;
}

std::string map_name(const Mapping& rule, std::string_view name) {
    if (rule.in.empty()) return std::string(name);
    const Parts parts = take_apart(rule.in, name);
    std::string out;
    for (std::size_t at = 0; at < rule.out.size();) {
        out += put_together(rule.out, at, "[", parts);
        if (at < rule.out.size()) out += choose(rule.out, ++at, parts);
    }
    return out;
}

} // namespace posada::ftp
