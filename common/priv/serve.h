// SPDX-License-Identifier: BSD-2-Clause
// The answering side of a request table in a process of its own that may block (an agent): one request at a time.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/priv/channel.h"
#include "common/priv/request.h"

namespace posada::priv {

struct Answer {
    std::string payload; // encode_ok() or encode_failure()
    std::vector<UniqueFd> fds;
    void (*afterwards)() = nullptr; // done when it was sent
};
// The message is of a row of the table, in its phase; set the next one on the gate.
using RequestHandler = std::function<Answer(RequestGate& gate, const Message& message)>;

// Until the other end closes. Errc::protocol: it was asked what the table does not permit; the caller should end.
Status serve_requests(Channel& channel, std::span<const RequestInfo> table, const RequestHandler& handle);

// The exit status of an agent that served: 0, or 70 after a breach, which it logs: the launcher sees the status only.
int agent_status(const Status& served);

// The payload of an answer that carries nothing else.
std::string verdict(const Result<std::string>& result);

} // namespace posada::priv
