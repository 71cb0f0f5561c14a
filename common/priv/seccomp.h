// SPDX-License-Identifier: BSD-2-Clause
// System call filters: compiled by libseccomp from the lists in seccomp_rules.cc, kept as BPF, installed with one
// system call. Used through sandbox.h.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "common/base/result.h"

namespace posada::priv {

enum class SandboxMode : std::uint8_t;
enum class SandboxProfile : std::uint8_t;

class SeccompFilter {
  public:
    // mode: enforce or log. Errc::unavailable: this kernel or architecture has no seccomp filters.
    static Result<SeccompFilter> build(SandboxProfile profile, SandboxMode mode);
    // For a child of a process that has installed the filter of the profile `below`: both together permit what both
    // profiles do, for a fraction of the cost. Alone it is no confinement.
    static SeccompFilter build_on_top(SandboxProfile profile, SandboxMode mode, SandboxProfile below);
    // In the process that is to be confined: signals to itself stay allowed, so its pid is written into the program.
    Status install() const;
    [[nodiscard]] const std::vector<sock_filter>& program() const { return program_; }

  private:
    std::vector<sock_filter> program_;
};

// Looks up the names of all system calls, once per process; install_violation_handler() finds them in its children too.
void prepare_violation_names();

// A refused call is answered in a SIGSYS handler: a record naming it goes to log_fd, the caller sees an error (EACCES
// for files, EPERM for what needs a right, ENOSYS for the rest). Idempotent; the last log_fd and profile count.
Status install_violation_handler(int log_fd, SandboxProfile profile);

} // namespace posada::priv
