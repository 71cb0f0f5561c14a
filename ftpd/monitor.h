// SPDX-License-Identifier: BSD-2-Clause
// The root side of ftpd: checks logins, starts the user's agent, and makes the sockets of data connections.
#pragma once

#include <memory>

#include "common/service/launch/launcher.h"

namespace posada::ftpd {

Result<std::unique_ptr<service::MonitorService>> make_monitor(const service::MonitorContext& context);

} // namespace posada::ftpd
