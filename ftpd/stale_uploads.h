// SPDX-License-Identifier: BSD-2-Clause
// The names under which files are uploaded until they are whole (upload.h), and what is left of those whose process was
// killed or whose machine went down: no listing shows it, so somebody has to remove it.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"

namespace posada::ftpd {

// Of files on their way in; it starts with reserved_prefix (tree.h).
constexpr std::string_view upload_prefix = ".posada-upload-";

// One that nobody can guess; empty if there is no randomness to be had.
std::string new_upload_name();
// A file of such a name is in use as long as somebody has it open who did this.
void hold_upload(int fd);

// Removes the files of such names that nobody holds and that have not changed for a minute. How many those were.
unsigned remove_stale_uploads(int directory, UnixTime now);

} // namespace posada::ftpd
