// SPDX-License-Identifier: BSD-2-Clause
// The system calls of each profile, as data: seccomp.cc compiles them, SECURITY.md is generated from them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "common/priv/sandbox.h"

namespace posada::priv {

using ProfileSet = std::uint16_t;
constexpr ProfileSet in_profile(SandboxProfile profile) {
    return static_cast<ProfileSet>(1U << static_cast<unsigned>(profile));
}

// An argument condition; all of a row must hold.
struct ArgRule {
    enum class Op : std::uint8_t { none, equal, masked_equal };
    Op op = Op::none;
    unsigned arg = 0;
    std::uint64_t value = 0;
    std::uint64_t mask = 0;
};

// Several rows with the same call: any of them permits it.
struct CallRow {
    const char* call;
    ProfileSet profiles;
    std::array<ArgRule, 2> args{};
};

// Stands for the confined process's own pid until SeccompFilter::install() knows it; no pid is that large.
constexpr std::uint32_t own_pid_placeholder = 0x5afe51d5;

std::span<const CallRow> allowed_calls();
// Never legitimate in any process of ours: the kernel kills the process.
std::span<const char* const> fatal_calls();

} // namespace posada::priv
