// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/time_val.h"

#include <chrono>

#include "common/base/text.h"

namespace posada {

namespace {

using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr std::size_t digits = 14;

unsigned number(std::string_view text) { return static_cast<unsigned>(parse_uint(text).value_or(9999)); }

bool is_fraction(std::string_view rest) {
    return rest.empty() || (rest.front() == '.' && rest.size() > 1 && rest.size() <= 10 &&
                            rest.find_first_not_of("0123456789", 1) == std::string_view::npos);
}

} // namespace

std::string print_time_val(UnixTime t) {
    const sys_seconds when{Seconds(t)};
    const sys_days day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(day);
    const int year = static_cast<int>(date.year());
    if (year < 1 || year > 9999) return print_time_val(0);
    const std::chrono::hh_mm_ss clock(when - day);
    std::string out;
    out.reserve(digits); // no snprintf(3): a listing prints a hundred thousand of these
    append_number(out, static_cast<std::uint64_t>(year), 4, '0');
    append_number(out, static_cast<unsigned>(date.month()), 2, '0');
    append_number(out, static_cast<unsigned>(date.day()), 2, '0');
    append_number(out, static_cast<std::uint64_t>(clock.hours().count()), 2, '0');
    append_number(out, static_cast<std::uint64_t>(clock.minutes().count()), 2, '0');
    append_number(out, static_cast<std::uint64_t>(clock.seconds().count()), 2, '0');
    return out;
}

std::optional<UnixTime> parse_time_val(std::string_view text) {
    if (text.size() < digits || text.substr(0, digits).find_first_not_of("0123456789") != std::string_view::npos ||
        !is_fraction(text.substr(digits)))
        return std::nullopt;
    const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(number(text.substr(0, 4)))),
                                           std::chrono::month(number(text.substr(4, 2))),
                                           std::chrono::day(number(text.substr(6, 2))));
    const unsigned hour = number(text.substr(8, 2));
    const unsigned minute = number(text.substr(10, 2));
    const unsigned second = number(text.substr(12, 2)); // 60: a leap second
    if (!date.ok() || static_cast<int>(date.year()) < 1970 || hour > 23 || minute > 59 || second > 60)
        return std::nullopt;
    const sys_seconds when = sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + Seconds(second);
    return when.time_since_epoch().count();
}

} // namespace posada
