// SPDX-License-Identifier: BSD-2-Clause
// Directories whose own name must survive a power failure, because promises are kept inside them.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/result.h"

namespace posada::smtpd {

// Makes it if it is missing, and syncs the directory that names it. An existing one is synced all the same: whoever
// made it may have been killed before.
Status make_durable_directory(const std::string& path, mode_t mode);

} // namespace posada::smtpd
