// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/serve.h"

#include "common/base/exit_code.h"
#include "common/base/log.h"

namespace posada::priv {

namespace {

bool send_answer(Channel& channel, const Message& asked, const Answer& answer) {
    std::vector<int> fds;
    for (const UniqueFd& fd : answer.fds) fds.push_back(fd.get());
    for (;;) {
        const auto sent = channel.send(static_cast<std::uint16_t>(asked.type + 1), asked.session, answer.payload, fds);
        if (sent || sent.error().code != Errc::busy) return sent.ok();
    }
}

} // namespace

Status serve_requests(Channel& channel, std::span<const RequestInfo> table, const RequestHandler& handle) {
    RequestGate gate(table);
    const unsigned most_fds = max_request_fds(table);
    for (;;) {
        auto received = channel.receive(most_fds);
        if (!received) return received.error();
        if (!received->has_value()) return {};
        const Message& message = **received;
        if (const auto row = gate.admit(message); !row) return row.error();
        const Answer answer = handle(gate, message);
        if (!send_answer(channel, message, answer)) return {}; // nobody is there any more
        if (answer.afterwards != nullptr) answer.afterwards();
    }
}

int agent_status(const Status& served) {
    if (served) return 0;
    log(event::mailbox_error, {{"request", "refused, and the session ended"}, {"error", served.error().text}});
    return exit_software;
}

std::string verdict(const Result<std::string>& result) {
    return result ? encode_ok(*result) : encode_failure(result.error());
}

} // namespace posada::priv
