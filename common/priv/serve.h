// SPDX-License-Identifier: BSD-2-Clause
// The answering side of a request table in a process of its own that may block (an agent): one request at a time.
#pragma once

#include <functional>
#include <span>

#include "common/priv/request_list.h"

namespace posada::priv {

// One request of a session: the gate admits it, the object's handler answers. An error is a breach. No handler of an
// agent answers later.
template <class List, class Object>
Result<Answer> serve_one(RequestGate& gate, Object& object, Message& message) {
    RETURN_IF_ERROR(gate.admit(message));
    Handled handled = List::dispatch(object, message);
    if (!handled) return handled.error();
    gate.answered(message.type, (*handled)->payload);
    return std::move(**handled);
}

// Until the other end closes.
using AnswerOne = std::function<Result<Answer>(Message& message)>;
Status serve_channel(Channel& channel, unsigned most_fds, const AnswerOne& answer);

// Errc::protocol: it was asked what the table does not permit; the caller should end.
template <class List, class Object>
Status serve_requests(Channel& channel, Object& object) {
    RequestGate gate(List::rows);
    return serve_channel(channel, max_request_fds(List::rows),
                         [&](Message& message) { return serve_one<List>(gate, object, message); });
}

// The exit status of an agent that served: 0, or 70 after a breach, which it logs: the launcher sees the status only.
int agent_status(const Status& served);

} // namespace posada::priv
