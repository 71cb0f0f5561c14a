// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/outbox.h"

namespace posada::priv {

void Outbox::add(std::uint16_t type, std::uint64_t session, std::string payload, std::vector<UniqueFd> fds) {
    Message packet;
    packet.type = type;
    packet.session = session;
    packet.payload = std::move(payload);
    packet.fds = std::move(fds);
    packets_.push_back(std::move(packet));
}

Status Outbox::flush(Channel& channel) {
    while (!packets_.empty()) {
        const Message& next = packets_.front();
        std::vector<int> fds;
        for (const UniqueFd& fd : next.fds) fds.push_back(fd.get());
        auto sent = channel.send(next.type, next.session, next.payload, fds);
        if (!sent && sent.error().code == Errc::busy) return {};
        if (!sent) {
            packets_.clear();
            return sent;
        }
        packets_.pop_front();
    }
    return {};
}

} // namespace posada::priv
