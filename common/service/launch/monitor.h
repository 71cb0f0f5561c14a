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
#include <vector>

#include "common/base/fd.h"
#include "common/io/addr.h"
#include "common/io/loop.h"
#include "common/priv/channel.h"
#include "common/priv/request_list.h"
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
    // A success may bring the session into the next phase, as the row says.
    virtual void answer(std::uint16_t request_type, std::string_view payload, std::span<const int> fds = {}) = 0;
    virtual void kill(std::string_view why) = 0; // privilege-breach: the net process dies
    virtual io::Loop& loop() = 0;
};

class MonitorSession {
  public:
    virtual ~MonitorSession() = default;
    // Already admitted by the gate. Answer now or later through the link.
    virtual void handle(priv::Message message) = 0;
};

// The handlers of a session for the requests of a List: what they return is answered, a breach kills.
template <class List, class Object>
void handle_with(MonitorLink& link, Object& object, priv::Message& message) {
    const priv::Handled handled = List::dispatch(object, message);
    if (!handled) return link.kill(handled.error().text);
    if (!*handled) return;
    std::vector<int> fds;
    for (const UniqueFd& fd : (*handled)->fds) fds.push_back(fd.get());
    link.answer(message.type, (*handled)->payload, fds);
}

} // namespace posada::service
