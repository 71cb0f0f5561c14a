// SPDX-License-Identifier: BSD-2-Clause
// Exit statuses of all our programs, those of sysexits.h. The supervisor and service managers look at them.
#pragma once

namespace posada {

constexpr int exit_usage = 64;    // unknown options or arguments
constexpr int exit_software = 70; // somebody broke the agreed protocol between our processes, or we have a bug
constexpr int exit_system = 71;   // the operating system refused something needed: a privilege, a process, a file
constexpr int exit_again = 75;    // somebody else holds it now: try again
constexpr int exit_config = 78;   // a mistake in the configuration, or another version: trying again does not help

} // namespace posada
