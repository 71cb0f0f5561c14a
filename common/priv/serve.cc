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

Status serve_channel(Channel& channel, unsigned most_fds, const AnswerOne& answer) {
    for (;;) {
        auto received = channel.receive(most_fds);
        if (!received) return received.error();
        if (!received->has_value()) return {};
        const auto made = answer(**received);
        if (!made) return made.error();
        if (!send_answer(channel, **received, *made)) return {}; // nobody is there any more
        if (made->afterwards) made->afterwards();
    }
}

int agent_status(const Status& served) {
    if (served) return 0;
    log(event::agent_error, {{"request", "refused, and the session ended"}, {"error", served.error().text}});
    return exit_software;
}

} // namespace posada::priv
