// SPDX-License-Identifier: BSD-2-Clause
// The loop that reads commands: typed, from a script on the standard input, or from --execute.
#pragma once

#include "clients/ftp/client.h"

namespace posada::ftp {

// Until bye or the end of input. A person leaves with ok, whatever went wrong; a script with the first failure, and
// with fail_exit right after it.
Exit run_shell(Client& client, Exit so_far);
// "cd a; get b": stops at the first failure.
Exit run_commands(Client& client, const std::string& commands);

} // namespace posada::ftp
