// SPDX-License-Identifier: BSD-2-Clause
// join_tables(a, b): one request table of several, checked while compiling: types are even and unlike each other.
#pragma once

#include <array>
#include <cstddef>

#include "common/priv/request.h"

namespace posada::priv {

// Below are the rows of common/service, from here on a daemon's own.
constexpr std::uint16_t first_daemon_request = 64;

template <std::size_t... N>
consteval std::array<RequestInfo, (N + ...)> join_tables(const std::array<RequestInfo, N>&... tables) {
    std::array<RequestInfo, (N + ...)> all{};
    std::size_t count = 0;
    const auto add = [&](const auto& table) {
        for (const RequestInfo& row : table) {
            if (row.type % 2 != 0) throw "a request's type is even: its answer is the next number";
            for (std::size_t i = 0; i < count; ++i)
                if (all[i].type == row.type) throw "two rows of one type";
            all[count++] = row;
        }
    };
    (add(tables), ...);
    return all;
}

} // namespace posada::priv
