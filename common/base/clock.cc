// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/clock.h"

#include <array>
#include <cstdio>

namespace posada {

Instant SystemClock::now() const { return std::chrono::time_point_cast<Millis>(std::chrono::steady_clock::now()); }

UnixTime SystemClock::unix_now() const { return unix_micros() / 1'000'000; }

std::int64_t SystemClock::unix_micros() const {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

namespace {

struct CivilTime {
    int year;
    unsigned month, day, weekday, hour, minute, second;
};

CivilTime civil(UnixTime t) {
    using namespace std::chrono;
    const sys_seconds at{Seconds(t)};
    const sys_days date = floor<days>(at);
    const year_month_day ymd(date);
    const hh_mm_ss time(at - date);
    return {int(ymd.year()),
            unsigned(ymd.month()),
            unsigned(ymd.day()),
            weekday(date).c_encoding(),
            static_cast<unsigned>(time.hours().count()),
            static_cast<unsigned>(time.minutes().count()),
            static_cast<unsigned>(time.seconds().count())};
}

constexpr const char* day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

} // namespace

std::string rfc5322_date(UnixTime t) {
    const CivilTime c = civil(t);
    std::array<char, 64> out{};
    std::snprintf(out.data(), out.size(), "%s, %02u %s %04d %02u:%02u:%02u +0000", day_names[c.weekday], c.day,
                  month_names[c.month - 1], c.year, c.hour, c.minute, c.second);
    return out.data();
}

std::string iso8601(UnixTime t) {
    const CivilTime c = civil(t);
    std::array<char, 64> out{};
    std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02u:%02u:%02uZ", c.year, c.month, c.day, c.hour, c.minute,
                  c.second);
    return out.data();
}

} // namespace posada
