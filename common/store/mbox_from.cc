// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/mbox_from.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "common/base/text.h"

namespace posada::store {

namespace {

constexpr std::array<std::string_view, 7> weekdays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<unsigned, 12> month_days{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
constexpr std::size_t date_words = 5; // weekday month day time year
constexpr std::size_t longest_zone = 5;

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> out = split(line, ' ');
    out.erase(std::remove(out.begin(), out.end(), std::string_view()), out.end());
    return out;
}

// 0 to bound, one or two digits.
std::optional<unsigned> small_number(std::string_view text, unsigned bound) {
    const auto value = text.size() <= 2 ? parse_uint(text) : std::nullopt;
    if (!value || *value > bound) return std::nullopt;
    return static_cast<unsigned>(*value);
}

// "01:44" or "01:44:05" to seconds of the day.
std::optional<unsigned> time_of_day(std::string_view text) {
    const auto parts = split(text, ':');
    if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
    const auto hour = small_number(parts[0], 23);
    const auto minute = small_number(parts[1], 59);
    const auto second = parts.size() == 3 ? small_number(parts[2], 60) : 0U;
    if (!hour || !minute || !second) return std::nullopt;
    return *hour * 3600 + *minute * 60 + *second;
}

std::optional<unsigned> year_of(std::string_view text) {
    const auto year = text.size() == 4 ? parse_uint(text) : std::nullopt;
    if (!year || *year < 1970) return std::nullopt;
    return static_cast<unsigned>(*year);
}

bool is_zone(std::string_view text) {
    if (text.empty() || text.size() > longest_zone) return false;
    if (text.front() == '+' || text.front() == '-')
        return text.size() == 5 && small_number(text.substr(1, 2), 23) && small_number(text.substr(3), 59);
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// Names of zones other than UTC's are ambiguous: "EST" is two places.
std::optional<int> offset_of(std::string_view zone) {
    if (zone == "UTC" || zone == "GMT") return 0;
    if (zone.empty() || (zone.front() != '+' && zone.front() != '-')) return std::nullopt;
    const auto hours = static_cast<int>(*small_number(zone.substr(1, 2), 23));
    const auto minutes = static_cast<int>(*small_number(zone.substr(3), 59));
    return (zone.front() == '-' ? -60 : 60) * (hours * 60 + minutes);
}

// Days since 1970-01-01 of the proleptic Gregorian calendar.
std::int64_t days_from_civil(unsigned year, unsigned month, unsigned day) {
    const unsigned y = month <= 2 ? year - 1 : year;
    const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return std::int64_t{y} * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719'468;
}

// words: from the weekday to the end of the line.
std::optional<FromLine> parse_date(std::span<const std::string_view> words) {
    const auto month = static_cast<std::size_t>(std::find(months.begin(), months.end(), words[1]) - months.begin());
    if (month == months.size()) return std::nullopt;
    const auto day = small_number(words[2], month_days[month]);
    const auto time = time_of_day(words[3]);
    if (!day || *day == 0 || !time) return std::nullopt;
    FromLine out;
    std::size_t at = 4;
    const auto take_zones = [&] {
        for (; at < words.size() && is_zone(words[at]); ++at)
            if (!out.utc_offset) out.utc_offset = offset_of(words[at]);
    };
    take_zones();
    const auto year = at < words.size() ? year_of(words[at++]) : std::nullopt;
    if (!year) return std::nullopt;
    take_zones();
    const bool uucp = words.size() == at + 3 && words[at] == "remote" && words[at + 1] == "from";
    if (at != words.size() && !uucp) return std::nullopt;
    out.local_time = days_from_civil(*year, static_cast<unsigned>(month) + 1, *day) * 86'400 + *time;
    return out;
}

} // namespace

std::optional<FromLine> parse_from_line(std::string_view line) {
    constexpr std::string_view start = "From ";
    if (!line.starts_with(start) || line.size() > max_from_line || has_control(line)) return std::nullopt;
    const std::vector<std::string_view> words = words_of(line.substr(start.size()));
    for (std::size_t i = 0; i + date_words <= words.size(); ++i) {
        if (std::find(weekdays.begin(), weekdays.end(), words[i]) == weekdays.end()) continue;
        auto out = parse_date(std::span(words).subspan(i));
        if (!out) continue;
        if (i > 0) {
            const auto* first = words.front().data();
            out->sender.assign(first, static_cast<std::size_t>(words[i - 1].data() + words[i - 1].size() - first));
        }
        return out;
    }
    return std::nullopt;
}

} // namespace posada::store
