// SPDX-License-Identifier: BSD-2-Clause
// The monitor of pop3d: root's whole part in a POP3 session is to check a login and to start the user's agent.
#pragma once

#include <memory>

#include "common/service/launch/launcher.h"

namespace posada::pop3d {

Result<std::unique_ptr<service::MonitorService>> make_monitor(const service::MonitorContext& context);

} // namespace posada::pop3d
