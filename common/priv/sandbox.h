// SPDX-License-Identifier: BSD-2-Clause
// The sandbox of a process: no_new_privs, resource limits, Landlock and a seccomp filter, chosen by role.
// prepare_sandbox() does the slow part once (filter compiled, ruleset made); apply() raises it in microseconds, in a
// forked child too. Stacking is meant: a zygote applies net_zygote, its children net_connection on top of it.
// Before apply(): locale, time zone, certificates, CA files and everything else that opens files by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/priv/landlock.h"
#include "common/priv/seccomp.h"

namespace posada::priv {

// enforce: a system call outside the filter is refused and named in a sandbox-violation record; a few that are never
//          legitimate (exec, ptrace, mount, bpf, io_uring ...) kill the process.
// log:     the kernel writes such calls into its audit log and lets them pass; no Landlock, no limits.
// off:     no filter, no Landlock, no limits. no_new_privs and "no core dumps" stay in every mode.
enum class SandboxMode : std::uint8_t { enforce, log, off };
constexpr SandboxMode last_value(SandboxMode) { return SandboxMode::off; }

enum class SandboxProfile : std::uint8_t {
    net_zygote, // of net_connection: forks, kills and waits for connection processes, passes descriptors on; no files,
                // no sockets
    net_connection,      // one client: its descriptors and nothing else; no fork; RLIMIT_FSIZE 0
    net_transfer_zygote, // of net_transfer
    net_transfer, // the same with files: writes into those it is handed, accepts on listening sockets it is handed
    net_shared,   // many clients in one loop; also memfds of at most shared_memfd_limit octets
    queue,        // files of the trees given to apply(), SQLite, accept on a passed unix socket
    relay,        // TCP clients to anywhere; no files
    agent_files,  // one user's files: of the trees given to apply(); no socket
    signer,       // receives, signs, sends; nothing else
};
constexpr unsigned sandbox_profile_count = 9;

// RLIMIT_FSIZE of net_shared; writes to a memfd count against it.
constexpr std::uint64_t shared_memfd_limit = 256 * 1024;
// RLIMIT_NOFILE of net_connection, net_transfer and agent_files. What all processes of one user may have on their way
// to others is counted against it too, and many accounts may share a uid.
constexpr std::uint64_t connection_fd_limit = 256;
// RLIMIT_NOFILE of signer: standard descriptors, channel, log, one at a time to answer into.
constexpr std::uint64_t signer_fd_limit = 16;

std::string_view sandbox_profile_name(SandboxProfile profile);    // "net_connection"
std::string_view sandbox_profile_meaning(SandboxProfile profile); // one sentence, for SECURITY.md

class PreparedSandbox {
  public:
    PreparedSandbox() = default; // apply() fails with Errc::invalid

    // To the calling process, for good. tree: what files it may use (queue, agent_files; Errc::invalid elsewhere), no
    // tree = none. Call it once per process and object: it closes the prepared ruleset. On failure the process must
    // exit.
    Status apply(std::span<const LandlockRule> tree = {});
    // What a process must not close before apply(); -1 = nothing.
    [[nodiscard]] int ruleset_fd() const noexcept { return ruleset_.get(); }

  private:
    friend Result<PreparedSandbox> prepare_sandbox(SandboxProfile, SandboxMode, int, std::optional<SandboxProfile>);
    bool prepared_ = false;
    SandboxProfile profile_ = SandboxProfile::net_connection;
    SandboxMode mode_ = SandboxMode::enforce;
    int log_fd_ = -1;
    UniqueFd ruleset_; // deny everything
    SeccompFilter filter_;
};

// log_fd: borrowed, stays open in the confined process; violations are sent there as log lines (a socket: one datagram
// each). Logs sandbox-weak when the kernel has no Landlock; without seccomp enforce and log fail with
// Errc::unavailable. below: what the process that applies it has inherited from its parent, by fork, in the same mode.
Result<PreparedSandbox> prepare_sandbox(SandboxProfile profile, SandboxMode mode, int log_fd,
                                        std::optional<SandboxProfile> below = std::nullopt);

// True once apply() has raised a filter in this process.
bool sandboxed() noexcept;

} // namespace posada::priv
