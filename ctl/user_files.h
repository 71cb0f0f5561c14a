// SPDX-License-Identifier: BSD-2-Clause
// What adding a user means on disk besides the line in the users file: a uid of its own and a home directory.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/auth/users_file.h"
#include "common/base/result.h"
#include "common/service/config/options.h"

namespace posada::ctl {

// <mail directory>/<first local domain>/<name>
std::string virtual_home(const service::CommonOptions& options, std::string_view name);
// As root the next free uid of [auth] virtual_uids that no account of the system has, with a gid of the same number;
// without root our own ids, because nobody can become anybody else then.
Status give_ids(const auth::UsersFileEdit& edit, const service::CommonOptions& options, auth::UserEntry& entry);
// Makes the home (0700, the user's) and what is missing above it (0711). One that exists must be the user's.
Status make_home(const auth::UserEntry& entry);

} // namespace posada::ctl
