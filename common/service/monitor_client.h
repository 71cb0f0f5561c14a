// SPDX-License-Identifier: BSD-2-Clause
// The caller's side of a request table in a net process: sends a request over a channel, delivers the answer from the
// loop. Used for the monitor, an agent, the queue and the lookup worker alike. Answers come in the order of requests
// with the same session; several sessions may share one channel.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/io/loop.h"
#include "common/priv/channel.h"

namespace posada::service {

struct Reply {
    std::string body; // after the verdict
    std::vector<UniqueFd> fds;
};

class MonitorClient {
  public:
    using OnAnswer = std::function<void(Result<Reply>)>;
    // max_fds: the most descriptors an answer may carry. on_closed: the other side is gone; every outstanding request
    // is answered with Errc::closed first. The client may be destroyed inside a callback.
    MonitorClient(io::Loop& loop, UniqueFd channel, unsigned max_fds, std::function<void()> on_closed);
    ~MonitorClient();
    MonitorClient(const MonitorClient&) = delete;
    MonitorClient& operator=(const MonitorClient&) = delete;

    // fds are borrowed. A full socket queues the message (its descriptors are duplicated), it is never lost.
    void request(std::uint16_t type, std::uint64_t session, std::string_view payload, OnAnswer on_answer,
                 std::span<const int> fds = {});
    // A request that is answered by other ways than this channel: sent now or not at all (Errc::busy).
    Status post(std::uint16_t type, std::uint64_t session, std::string_view payload, std::span<const int> fds);
    // Forgets the outstanding requests of a session: their answers are dropped when they come.
    void forget(std::uint64_t session);
    [[nodiscard]] bool closed() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_; // shared with running callbacks only, so that they may destroy the client
};

} // namespace posada::service
