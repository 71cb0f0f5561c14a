// SPDX-License-Identifier: BSD-2-Clause
// Giving up privileges for good: ids, groups, capabilities, limits; and the process title.
// For posada's own processes only. A login shell never comes through here: sudo must work in it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/result.h"

namespace posada::priv {

// As root: exactly these supplementary groups, all three gids and uids, no capability in any set (bounding set and
// ambient included), securebits locked; then proves that no way leads back. uid 0 is refused (Errc::invalid).
// Not as root: nothing to drop, Errc::denied unless we already are uid and gid; capabilities are cleared all the same.
// On failure the process must exit: it may have dropped half.
Status become_user(uid_t uid, gid_t gid, std::span<const gid_t> groups);

// no_new_privs, no core dumps, not traceable by its own uid. Inherited by children; exec makes a process traceable
// again.
Status harden_process();

struct ProcessLimits {
    static constexpr std::uint64_t keep = ~std::uint64_t{0} - 1;
    std::uint64_t open_files = keep; // RLIMIT_NOFILE
    std::uint64_t file_size = keep;  // RLIMIT_FSIZE; SIGXFSZ is ignored, the write fails with EFBIG
    std::uint64_t processes = keep;  // RLIMIT_NPROC counts all processes of the uid: only for those that never fork
};
// Soft and hard limit; a value above the present hard limit becomes that limit.
Status limit_process(const ProcessLimits& limits);

// To be called first in main(): the room of argv and the environment becomes the title's; the environment moves.
void keep_title_room(int argc, char** argv);
// "pop3d: alice [agent]" in ps(1); cut where the room ends, controls replaced by '?'. Without room: only the short
// name.
void set_process_title(std::string_view title) noexcept;

} // namespace posada::priv
