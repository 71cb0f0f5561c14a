// SPDX-License-Identifier: BSD-2-Clause
// A listing for programs: `ls --json`.
#pragma once

#include <string>
#include <vector>

#include "clients/ftp/listing.h"

namespace posada::ftp {

// Lines of one array, one object each, in ASCII: name, type, and what is known of size (octets), modify (UTC), mode and
// unique. A name that is no UTF-8 is in "octets" too, in hexadecimal.
std::vector<std::string> json_lines(const std::vector<Entry>& entries);

} // namespace posada::ftp
