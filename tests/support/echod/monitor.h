// SPDX-License-Identifier: BSD-2-Clause
// The root side: checks logins, starts the user's agent, answers the three requests.
#pragma once

#include <memory>

#include "common/service/launch/launcher.h"

namespace posada::echod {

Result<std::unique_ptr<service::MonitorService>> make_monitor(const service::MonitorContext& context);

} // namespace posada::echod
