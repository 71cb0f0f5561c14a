// SPDX-License-Identifier: BSD-2-Clause
// A random secret that outlives the process: 32 bytes in a file of mode 0600, made at first use.
#pragma once

#include <string>

#include "common/base/result.h"

namespace posada::auth {

// Two processes that make it at the same time get the same secret. Errc::denied: others may read it, the text says
// what to do; Errc::corrupt: not 32 bytes.
Result<std::string> load_or_make_secret(const std::string& path);

} // namespace posada::auth
