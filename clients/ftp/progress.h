// SPDX-License-Identifier: BSD-2-Clause
// What a transfer shows of itself on a terminal: how much, how fast, how long it will take, or that nothing comes.
// Pure.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/clock.h"

namespace posada::ftp {

struct Progress {
    std::uint64_t before = 0; // octets that were there when it began
    std::uint64_t moved = 0;
    std::uint64_t total = 0; // of the whole file; 0: not known
    Millis elapsed{0};
    Millis idle{0}; // since the last octet
};

constexpr Millis stall_after{2'000};

// One line without its end, of at most width columns.
std::string progress_line(const Progress& progress, std::size_t width);
// "17 B", "1.4 MiB"
std::string short_size(std::uint64_t octets);

} // namespace posada::ftp
