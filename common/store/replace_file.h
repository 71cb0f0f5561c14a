// SPDX-License-Identifier: BSD-2-Clause
// Small files of a mailbox (lists of UIDs, sizes, keywords): replaced as a whole so that a reader meets the old or the
// new one, or continued at their end. Each is changed under a lock of its own; name is in the mailbox's directory.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "common/store/maildir.h"

namespace posada::store {

enum class FileSync : bool { no, yes }; // yes: on return it is on stable storage

// By way of `name.new`. Returns what the new file is.
Result<struct stat> replace_file(const Maildir& maildir, const std::string& name, std::string_view content,
                                 FileSync sync);
// The file must exist. After a failure part of content may stand at its end.
Result<struct stat> append_file(const Maildir& maildir, const std::string& name, std::string_view content,
                                FileSync sync);

} // namespace posada::store
