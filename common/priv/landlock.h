// SPDX-License-Identifier: BSD-2-Clause
// Landlock (landlock(7)): the file system a process may still see, whatever its uid. Raw system calls and our own
// constants, since the headers of Debian 12 know ABI 2 only. A ruleset is made once, as a descriptor, and enforced in
// a child in microseconds. The environment variable POSADA_LANDLOCK_ABI_MAX lowers the ABI (never raises it), so that
// every test can be run again as on an older kernel; 0 = as if there were no Landlock.
#pragma once

#include <cstdint>
#include <span>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::priv {

enum class LandlockAccess : std::uint8_t {
    read_only,  // read files, list directories
    read_write, // and create, write, truncate, rename, link and remove files and directories; no device, socket, fifo
};

// Everything below a directory (or one file). The descriptor is borrowed; O_PATH is enough.
struct LandlockRule {
    int path_fd = -1;
    LandlockAccess access = LandlockAccess::read_only;
};

enum class LandlockNet : std::uint8_t {
    deny,         // no TCP bind, no TCP connect (ABI 4)
    connect_only, // no TCP bind
};

// 0 = the kernel has no Landlock (or it is switched off).
int landlock_abi();

// A ruleset that permits what the rules say and nothing else; no rules = deny everything. Handles every right the ABI
// knows, from ABI 6 also signals and abstract unix sockets out of the domain. Errc::unavailable: no Landlock here, or
// (with rules) ABI 1, where no file could be renamed into another directory.
Result<UniqueFd> make_landlock_ruleset(std::span<const LandlockRule> rules, LandlockNet net = LandlockNet::deny);

// Enforces it on the calling thread and its future children, for good. Needs no_new_privs.
Status landlock_restrict_self(int ruleset_fd);

} // namespace posada::priv
