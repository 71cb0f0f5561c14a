// SPDX-License-Identifier: BSD-2-Clause
// The effects that every session has, whichever protocol it speaks; a login's are in login.h and sasl.h. A session
// collects them, its driver (service/session_driver.h) performs them in their order.
#pragma once

#include <string>
#include <string_view>
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
// A line as it was spoken, secrets masked; from: "c", the client, or "s".
inline LogNote transcript_note(std::string_view from, std::string_view line) {
    return {&event::transcript, {{"from", std::string(from)}, {"line", std::string(line)}}};
}
struct Close {
    std::string reason;
};

} // namespace posada::proto
