// SPDX-License-Identifier: BSD-2-Clause
// The programs in libexec that a launcher starts as another uid (child_descriptors.h is their side).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/service/identity.h"

namespace posada::service {

// A program that ends is started again: at once if it had been ready, then after these, doubling.
constexpr Millis first_restart_delay{500};
constexpr Millis longest_restart_delay{60'000};

// libexec/posada beside our sbin, installed and in the build tree alike.
std::string libexec_path(std::string_view program);

// channel, log: borrowed. What goes wrong in the child is logged there (start-failed), and it ends with exit_system.
Result<pid_t> start_child_program(const std::string& path, const Identity& identity, int channel, int log);

} // namespace posada::service
