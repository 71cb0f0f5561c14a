// SPDX-License-Identifier: BSD-2-Clause
// FNV-1a, 64 bits: tells versions apart and spreads keys over tables. Whoever chooses the input can make two alike: it
// keeps no secret and guards nothing.
#pragma once

#include <cstdint>
#include <string_view>

namespace posada {

constexpr std::uint64_t fnv1a_start = 0xcbf29ce484222325ULL;

// What came before goes into `hash`, to go on with more.
constexpr std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = fnv1a_start) noexcept {
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return hash;
}

} // namespace posada
