// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/progress.h"

#include <algorithm>
#include <cstdio>

namespace posada::ftp {

constexpr std::size_t text_width = 46; // of all but the bar
constexpr std::size_t least_bar = 5;

std::string short_size(std::uint64_t octets) {
    static constexpr const char* units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (octets < 1024) return std::to_string(octets) + " B";
    double value = static_cast<double>(octets) / 1024;
    std::size_t unit = 0;
    for (; value >= 1024 && unit < 3; ++unit) value /= 1024;
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %s", value, units[unit]);
    return text;
}

static std::string clock_text(std::uint64_t seconds) {
    char text[64];
    const auto hours = static_cast<unsigned long long>(seconds / 3600);
    const auto minutes = static_cast<unsigned>(seconds / 60 % 60);
    const auto rest = static_cast<unsigned>(seconds % 60);
    if (hours == 0)
        std::snprintf(text, sizeof text, "%02u:%02u", minutes, rest);
    else
        std::snprintf(text, sizeof text, "%llu:%02u:%02u", hours, minutes, rest);
    return text;
}

static unsigned percent(std::uint64_t done, std::uint64_t total) {
    return static_cast<unsigned>(static_cast<double>(done) * 100 / static_cast<double>(total));
}

static std::string bar(std::uint64_t done, std::uint64_t total, std::size_t width) {
    const double part = static_cast<double>(std::min(done, total)) / static_cast<double>(total);
    const auto filled = static_cast<std::size_t>(part * static_cast<double>(width));
    return "|" + std::string(filled, '*') + std::string(width - filled, ' ') + "| ";
}

std::string progress_line(const Progress& progress, std::size_t width) {
    const std::uint64_t done = progress.before + progress.moved;
    const auto millis = static_cast<std::uint64_t>(std::max<std::int64_t>(progress.elapsed.count(), 1));
    const auto rate =
        static_cast<std::uint64_t>(static_cast<double>(progress.moved) * 1000 / static_cast<double>(millis));
    std::string out;
    const bool known = progress.total != 0 && done <= progress.total;
    if (known) out = std::to_string(percent(done, progress.total)) + "% ";
    if (known && width > text_width + least_bar) out += bar(done, progress.total, width - text_width);
    out += short_size(done) + "  " + short_size(rate) + "/s  ";
    if (progress.idle >= stall_after)
        out += "stalled";
    else if (known && rate != 0)
        out += clock_text((progress.total - done) / rate) + " ETA";
    else
        out += clock_text(millis / 1000);
    return out.substr(0, width);
}

} // namespace posada::ftp
