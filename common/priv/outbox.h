// SPDX-License-Identifier: BSD-2-Clause
// Outbox: packets that wait for a non-blocking channel to take them, in order. Its owner watches the channel for
// writing while it is not empty.
#pragma once

#include <deque>

#include "common/priv/channel.h"

namespace posada::priv {

class Outbox {
  public:
    void add(std::uint16_t type, std::uint64_t session, std::string payload, std::vector<UniqueFd> fds = {});
    // As much as the channel takes. An error: the channel takes nothing any more, what waited is dropped.
    Status flush(Channel& channel);
    [[nodiscard]] bool empty() const { return packets_.empty(); }
    void clear() { packets_.clear(); }

  private:
    std::deque<Message> packets_;
};

} // namespace posada::priv
