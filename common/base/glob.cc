// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/glob.h"

#include <cstddef>
#include <optional>

namespace posada {

namespace {

// What stands for one character: its length in the pattern, and how much of the name it took; none if it does not fit.
struct Step {
    std::size_t pattern;
    std::size_t name;
};

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::size_t character_octets(std::string_view text) {
    std::size_t n = 1;
    while (n < text.size() && n < 4 && continues(text[n])) ++n;
    return n;
}

// The octets from "[" to "]"; 0 = none closes it. A "]" in front is one of the set.
std::size_t set_octets(std::string_view pattern) {
    std::size_t at = 1;
    if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
    const std::size_t close = pattern.find(']', at + 1);
    return close == std::string_view::npos ? 0 : close + 1;
}

bool set_has(std::string_view set, char c) {
    set = set.substr(1, set.size() - 2);
    const bool negated = set.front() == '!' || set.front() == '^';
    if (negated) set.remove_prefix(1);
    const auto octet = static_cast<unsigned char>(c);
    bool found = false;
    for (std::size_t i = 0; i < set.size(); ++i) {
        const auto from = static_cast<unsigned char>(set[i]);
        const bool range = i + 2 < set.size() && set[i + 1] == '-';
        const auto to = range ? static_cast<unsigned char>(set[i + 2]) : from;
        found = found || (octet >= from && octet <= to);
        if (range) i += 2;
    }
    return found != negated;
}

std::optional<Step> match_one(std::string_view pattern, std::string_view name) {
    if (pattern.front() == '?') return Step{1, character_octets(name)};
    if (const std::size_t set = pattern.front() == '[' ? set_octets(pattern) : 0; set != 0) {
        if (!set_has(pattern.substr(0, set), name.front())) return std::nullopt;
        return Step{set, 1};
    }
    const std::size_t literal = pattern.front() == '\\' && pattern.size() > 1 ? 1 : 0;
    if (pattern[literal] != name.front()) return std::nullopt;
    return Step{literal + 1, 1};
}

} // namespace

bool is_glob(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\')
            ++i;
        else if (text[i] == '*' || text[i] == '?' || (text[i] == '[' && set_octets(text.substr(i)) != 0))
            return true;
    }
    return false;
}

// Only the last star is tried again: what an earlier one took could not have mattered.
bool glob_matches(std::string_view pattern, std::string_view name) {
    if (name.starts_with('.') && !pattern.starts_with('.')) return false;
    std::optional<std::string_view> behind_star;
    std::string_view retry;
    while (!name.empty()) {
        if (!pattern.empty() && pattern.front() == '*') {
            pattern.remove_prefix(1);
            behind_star = pattern;
            retry = name;
            continue;
        }
        if (const auto step = pattern.empty() ? std::nullopt : match_one(pattern, name)) {
            pattern.remove_prefix(step->pattern);
            name.remove_prefix(step->name);
            continue;
        }
        if (!behind_star) return false;
        retry.remove_prefix(1);
        pattern = *behind_star;
        name = retry;
    }
    return pattern.find_first_not_of('*') == std::string_view::npos;
}

} // namespace posada
