// SPDX-License-Identifier: BSD-2-Clause
// Readiness: sd_notify(3) over $NOTIFY_SOCKET, spoken directly, and a newline on --ready-fd (s6, tests).
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace posada::service {

// "READY=1", "STOPPING=1", "STATUS=..."; silently nothing when $NOTIFY_SOCKET is not set or not reachable.
void notify_manager(std::string_view state) noexcept;
// "STATUS=" with one line of the error; empty when all is well again.
std::string status_text(std::string_view what, const Error& error);
// Writes "\n" and closes it; -1 = none.
void notify_ready_fd(int fd) noexcept;

} // namespace posada::service
