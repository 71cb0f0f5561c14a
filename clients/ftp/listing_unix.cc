// SPDX-License-Identifier: BSD-2-Clause
// LIST has no format of its own: lines of ls(1) on most servers, lines of DIR on those of Windows.
#include <array>
#include <chrono>

#include "clients/ftp/listing.h"
#include "common/base/text.h"

namespace posada::ftp {

namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

struct Word {
    std::string_view text;
    std::size_t end = 0; // in the line
};

// As many as come before a name could begin.
std::vector<Word> words_of(std::string_view line) {
    constexpr std::size_t enough = 12;
    std::vector<Word> out;
    for (std::size_t at = line.find_first_not_of(' '); at != std::string_view::npos && out.size() < enough;) {
        const std::size_t end = std::min(line.find(' ', at), line.size());
        out.push_back({line.substr(at, end - at), end});
        at = line.find_first_not_of(' ', end);
    }
    return out;
}

std::optional<int> number(std::string_view text, unsigned least, unsigned most) {
    const auto value = parse_uint(text);
    if (!value || *value < least || *value > most) return std::nullopt;
    return static_cast<int>(*value);
}

unsigned month_of(std::string_view text) {
    static constexpr auto names = std::to_array<std::string_view>(
        {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"});
    for (unsigned i = 0; i < names.size(); ++i)
        if (iequals(text, names[i])) return i + 1;
    return 0;
}

// Seconds behind midnight of "18:25" or, with twelve hours, "06:25PM".
std::optional<UnixTime> clock_of(std::string_view text) {
    const bool twelve = text.size() == 7;
    if (text.size() != 5 && !twelve) return std::nullopt;
    const auto hour = number(text.substr(0, 2), 0, 23);
    const auto minute = number(text.substr(3, 2), 0, 59);
    if (!hour || !minute || text[2] != ':') return std::nullopt;
    const bool evening = twelve && ascii_lower(text[5]) == 'p';
    const int hours = twelve ? *hour % 12 + (evening ? 12 : 0) : *hour;
    return hours * 3600 + *minute * 60;
}

std::optional<UnixTime> day_of(int year, unsigned month, int day) {
    const year_month_day date(std::chrono::year(year), std::chrono::month(month),
                              std::chrono::day(static_cast<unsigned>(day)));
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_seconds(sys_days(date)).time_since_epoch().count();
}

// "Nov 23 18:25" is of the last twelve months; clocks and zones differ by a day at most.
std::optional<UnixTime> recent_time(unsigned month, int day, UnixTime clock, UnixTime now) {
    constexpr UnixTime a_day = 86'400;
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(Seconds(now)));
    const int year = static_cast<int>(year_month_day(today).year());
    const auto at = day_of(year, month, day);
    if (at && *at + clock <= now + a_day) return *at + clock;
    const auto before = day_of(year - 1, month, day);
    return before ? std::optional(*before + clock) : std::nullopt;
}

std::optional<UnixTime> date_at(const std::vector<Word>& words, std::size_t at, UnixTime now) {
    const unsigned month = month_of(words[at].text);
    const auto day = number(words[at + 1].text, 1, 31);
    if (month == 0 || !day) return std::nullopt;
    if (const auto clock = clock_of(words[at + 2].text)) return recent_time(month, *day, *clock, now);
    const auto year = number(words[at + 2].text, 1970, 9999);
    return year ? day_of(*year, month, *day) : std::nullopt;
}

std::optional<Kind> kind_of(char letter) {
    switch (letter) {
    case '-': return Kind::file;
    case 'd': return Kind::directory;
    case 'l': return Kind::link;
    case 'b':
    case 'c':
    case 'p':
    case 's': return Kind::other;
    default: return std::nullopt;
    }
}

// "-rw-r--r--" with what follows it: + or a dot
std::optional<unsigned> mode_of(std::string_view text) {
    if (text.size() < 10) return std::nullopt;
    unsigned mode = 0;
    for (std::size_t i = 1; i < 10; ++i) mode = mode * 2 + (text[i] != '-' && text[i] != 'S' && text[i] != 'T' ? 1 : 0);
    return mode;
}

// permissions [links] [owner [group]] size month day clock-or-year name
std::optional<Entry> parse_unix(std::string_view line, UnixTime now) {
    const auto words = words_of(line);
    const auto kind = line.size() > 10 ? kind_of(line[0]) : std::nullopt;
    if (!kind) return std::nullopt;
    for (std::size_t at = 2; at + 2 < words.size(); ++at) {
        const auto time = date_at(words, at, now);
        const auto size = parse_uint(words[at - 1].text);
        if (!time || (!size && *kind != Kind::other)) continue;
        const std::size_t end = words[at + 2].end;
        if (end + 1 >= line.size()) return std::nullopt;
        Entry entry{std::string(line.substr(end + 1)), *kind, size, time, false, mode_of(words[0].text), ""};
        if (*kind == Kind::link) entry.name.resize(std::min(entry.name.find(" -> "), entry.name.size()));
        return entry;
    }
    return std::nullopt;
}

// 11-23-26  06:25PM       <DIR>          name
std::optional<Entry> parse_windows(std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 4 || words[0].text.size() < 8) return std::nullopt;
    const auto parts = split(words[0].text, '-');
    if (parts.size() != 3) return std::nullopt;
    const auto month = number(parts[0], 1, 12);
    const auto day = number(parts[1], 1, 31);
    const auto year = number(parts[2], 0, 9999);
    const auto clock = clock_of(words[1].text);
    const bool folder = iequals(words[2].text, "<DIR>");
    const auto size = parse_uint(words[2].text);
    if (!month || !day || !year || !clock || (!folder && !size)) return std::nullopt;
    const int century = *year >= 100 ? 0 : *year >= 70 ? 1900 : 2000;
    const auto date = day_of(*year + century, static_cast<unsigned>(*month), *day);
    const std::size_t name = line.find_first_not_of(' ', words[2].end);
    if (!date) return std::nullopt;
    return Entry{std::string(line.substr(name)),
                 folder ? Kind::directory : Kind::file,
                 size,
                 *date + *clock,
                 false,
                 std::nullopt,
                 ""};
}

} // namespace

std::optional<Entry> parse_list(std::string_view line, UnixTime now) {
    auto entry = parse_unix(line, now);
    return entry ? entry : parse_windows(line);
}

} // namespace posada::ftp
