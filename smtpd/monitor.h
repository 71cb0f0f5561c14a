// SPDX-License-Identifier: BSD-2-Clause
// The root side of smtpd and submission: connects the queue and starts the lookup worker for the net program; checks
// logins (submission only).
#pragma once

#include <memory>

#include "common/service/launch/launcher.h"

namespace posada::smtpd {

Result<std::unique_ptr<service::MonitorService>> make_monitor(const service::MonitorContext& context); // port 25
Result<std::unique_ptr<service::MonitorService>> make_submission_monitor(const service::MonitorContext& context);

} // namespace posada::smtpd
