// SPDX-License-Identifier: BSD-2-Clause
// The monitor side: runs inside the launcher (root), answers the request table of one connection, starts workers and
// agents. It parses no protocol. All sessions of a daemon share one loop; nothing here may block.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "common/base/fd.h"
#include "common/io/addr.h"
#include "common/io/loop.h"
#include "common/priv/channel.h"
#include "common/priv/request.h"
#include "common/service/endpoint.h"

namespace posada::service {

struct SessionInfo {
    std::uint64_t id = 0;
    std::string_view service; // "pop3d"
    io::Address peer;         // the client; behind a proxy as the net process claims, once it has
    io::Address socket_peer;  // what the kernel says: what a monitor connects to is this
    io::Address local;        // where the client connected to
    Listener listener;
    std::string challenge{}; // MonitorService::challenge()
};

// What a monitor session may do to its connection. Valid as long as the session.
class MonitorLink {
  public:
    virtual ~MonitorLink() = default;
    virtual void answer(std::uint16_t request_type, std::string_view payload, std::span<const int> fds = {}) = 0;
    virtual void set_phase(priv::Phase phase) = 0;
    virtual void kill(std::string_view why) = 0; // privilege-breach: the net process dies
    virtual io::Loop& loop() = 0;
};

class MonitorSession {
  public:
    virtual ~MonitorSession() = default;
    // row: index into the daemon's request table; already admitted by the gate. Answer now or later through the link.
    virtual void handle(std::size_t row, priv::Message message) = 0;
};

} // namespace posada::service
