// SPDX-License-Identifier: BSD-2-Clause
// What a program in libexec finds when a launcher has started it (launch/child_program.h): a channel to the launcher on
// descriptor 3, the log socket on 4, and nothing else.
#pragma once

#include <string>

#include "common/base/fd.h"

namespace posada::service {

constexpr int child_channel_fd = 3;
constexpr int child_log_fd = 4;

// Were we started like this?
bool has_child_descriptors();
// A memfd that came with hello, whole.
Result<std::string> read_memfd(const UniqueFd& fd);

} // namespace posada::service
