// SPDX-License-Identifier: BSD-2-Clause
// Which uid a role runs as: the account `_posada-<role>` (sysusers.d), or uid_base + a fixed offset (the demo as root
// creates no account), or, without root, the uid we already have.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "common/base/result.h"

namespace posada::service {

struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
};

// role: "smtpd", "subm", "queue", "relay", "pop3d", "lookup" ... Errc::not_found names the missing account and the
// remedy.
Result<Identity> service_identity(std::string_view role, uid_t uid_base);

} // namespace posada::service
