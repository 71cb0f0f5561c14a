// SPDX-License-Identifier: BSD-2-Clause
// The effects that every session has, whichever protocol it speaks; a login's are in login.h and sasl.h. A session
// collects them, its driver (service/session_driver.h) performs them in their order.
#pragma once

#include <string>
#include <vector>

#include "common/base/log.h"

namespace posada::proto {

struct SendReply {
    std::string bytes;
};
struct StartTls {}; // the reply to the command comes before it
struct LogNote {
    const LogEvent* event;
    std::vector<LogField> fields; // the driver puts address and session in front
};
struct Close {
    std::string reason;
};

} // namespace posada::proto
