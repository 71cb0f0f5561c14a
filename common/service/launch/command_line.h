// SPDX-License-Identifier: BSD-2-Clause
// What the main() of every launcher does before it has settings: the command line, limits, and the exit status when it
// cannot start.
#pragma once

#include <string_view>

#include "common/service/config/config.h"
#include "common/service/launch/endpoints.h"

namespace posada::service {

struct CommandLine {
    ConfigSource config;
    LaunchOptions launch;
    int ready_fd = -1;
};

// sockets: it takes --listen and --listener. -1 = go on; else the exit status to leave with, and why has been printed.
int parse_command_line(std::string_view name, bool sockets, int argc, char** argv, CommandLine& out);

// SIGPIPE ignored, enough descriptors, no core files.
Status prepare_launcher_process();

// Errc::invalid: a mistake of the administrator, to standard error; else to the log. Returns the exit status.
int report_failed_start(std::string_view name, const Error& error);

} // namespace posada::service
