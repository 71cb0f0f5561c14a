// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/units.h"

#include <algorithm>
#include <optional>

#include "common/base/text.h"

namespace posada {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr Unit duration_units[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1},
};
constexpr Unit size_units[] = {
    {"T", 1ULL << 40},
    {"G", 1ULL << 30},
    {"M", 1ULL << 20},
    {"K", 1ULL << 10},
};
constexpr std::uint64_t longest_duration = 10ULL * 365 * 86'400'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number at the front of text, which is shortened by it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::size_t n = 0;
    while (n < text.size() && is_digit(text[n])) ++n;
    const auto number = parse_uint(text.substr(0, n));
    text.remove_prefix(n);
    return number;
}

std::string_view take_unit(std::string_view& text) {
    std::size_t n = 0;
    while (n < text.size() && !is_digit(text[n])) ++n;
    const std::string_view unit = text.substr(0, n);
    text.remove_prefix(n);
    return unit;
}

Error bad_duration() {
    return {Errc::invalid, 0, "is not a duration; write a number with ms, s, m, h or d, such as \"30s\" or \"1h30m\""};
}

Error bad_size() {
    return {Errc::invalid, 0, "is not a size; write a number with K, M, G or T, such as \"64K\" or \"25M\""};
}

} // namespace

Result<Millis> parse_duration(std::string_view text) {
    if (text == "0") return Millis(0);
    std::uint64_t total = 0;
    const Unit* next = std::begin(duration_units);
    if (text.empty()) return bad_duration();
    while (!text.empty()) {
        const auto number = take_number(text);
        const std::string_view name = take_unit(text);
        next = std::find_if(next, std::end(duration_units), [&](const Unit& unit) { return unit.name == name; });
        if (!number || next == std::end(duration_units)) return bad_duration();
        if (*number > longest_duration / next->factor) return Error{Errc::invalid, 0, "is longer than ten years"};
        total += *number * next->factor;
        ++next;
    }
    if (total > longest_duration) return Error{Errc::invalid, 0, "is longer than ten years"};
    return Millis(static_cast<std::int64_t>(total));
}

Result<std::uint64_t> parse_size(std::string_view text) {
    const auto number = take_number(text);
    if (!number) return bad_size();
    if (text.empty()) return *number;
    const Unit* unit =
        std::find_if(std::begin(size_units), std::end(size_units), [&](const Unit& u) { return u.name == text; });
    if (unit == std::end(size_units)) return bad_size();
    if (*number > UINT64_MAX / unit->factor) return Error{Errc::invalid, 0, "is larger than any file"};
    return *number * unit->factor;
}

std::string duration_text(Millis value) {
    std::uint64_t rest = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
    if (rest == 0) return "0s";
    std::string out;
    for (const Unit& unit : duration_units) {
        if (rest < unit.factor) continue;
        out += std::to_string(rest / unit.factor);
        out += unit.name;
        rest %= unit.factor;
    }
    return out;
}

std::string size_text(std::uint64_t octets) {
    for (const Unit& unit : size_units)
        if (octets != 0 && octets % unit.factor == 0) return std::to_string(octets / unit.factor).append(unit.name);
    return std::to_string(octets);
}

} // namespace posada
