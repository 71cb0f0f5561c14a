// SPDX-License-Identifier: BSD-2-Clause
// What can be wrong although the configuration's text is right: certificates, accounts, addresses, directories.
#pragma once

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/service/config/config.h"

namespace posada::ctl {

struct Finding {
    bool error = false; // else a warning: it works, but look at it
    std::string where;  // a file, or "file:line:col" of the key that names the thing
    std::string text;
};

// pam_directory: where PAM's service files are; "" = not used (unprivileged).
std::vector<Finding> find_problems(const std::vector<service::Settings>& settings, UnixTime now,
                                   const std::string& pam_directory);

} // namespace posada::ctl
