// SPDX-License-Identifier: BSD-2-Clause
// What lies in a directory of a mailbox. It is read through a description of its own: reading from the shared one would
// move its position for everybody.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace posada::store {

// Calls take(name, is_regular) for each name that does not start with a dot. what: for the error.
Status read_directory(int directory, std::string_view what, const std::function<void(std::string_view, bool)>& take);
// The names that do: what may be a Maildir++ folder. "." and ".." are left out.
Result<std::vector<std::string>> dot_names(int directory, std::string_view what);

} // namespace posada::store
