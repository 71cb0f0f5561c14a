// SPDX-License-Identifier: BSD-2-Clause
// Connecting to the queue, for whoever holds the right to: launchers, deliver, `posada queue`. No net program links it.
#pragma once

#include <string>

#include "common/base/fd.h"
#include "smtpd/queue_protocol.h"

namespace posada::smtpd {

// <run_dir>/queue.sock
std::string queue_socket_path(const std::string& run_dir);
// Connects and says hello. Errc::unavailable: nobody serves the socket; the text names `smtpd --queue`.
Result<UniqueFd> open_queue(const std::string& run_dir, QueueRole role);

} // namespace posada::smtpd
