// SPDX-License-Identifier: BSD-2-Clause
// Starts a service as sd_listen_fds(3) and sd_notify(3) promise it: sockets from descriptor 3 on, LISTEN_PID set in the
// child, NOTIFY_SOCKET, standard input /dev/null, a process group of its own, default signals.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/result.h"

namespace posada::supervisor {

struct SpawnPlan {
    std::string program;                // path
    std::vector<std::string> arguments; // without argv[0]
    std::vector<int> sockets;           // borrowed
    std::vector<std::string> names;     // one per socket
    std::string notify_socket;
};

// The child gets SIGTERM when we die. A failing exec ends it with status 71 and a line on standard error.
Result<pid_t> spawn(const SpawnPlan& plan);

// Ends what is left of the process group of a child that has exited but is not reaped yet.
void sweep_group(pid_t leader) noexcept;

// "exit 78", "signal 11 (Segmentation fault)"
std::string describe_exit(int wait_status);

} // namespace posada::supervisor
