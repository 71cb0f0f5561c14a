// SPDX-License-Identifier: BSD-2-Clause
// `posada user add|passwd|list|remove`: the users file from the command line. A password never comes from argv.
#pragma once

#include <span>
#include <string_view>

namespace posada::ctl {

// args: what follows "user" on the command line. Returns the exit status: 0, 64 usage, 71 system, 78 configuration,
// 1 refused (exists, not found, password too short).
int user_command(std::span<const std::string_view> args);

} // namespace posada::ctl
