// SPDX-License-Identifier: BSD-2-Clause
// One launch path: inetd (a socket on descriptor 0), LISTEN_FDS (systemd, posadad), --listen, or the configured
// addresses all become the same list of endpoints. Every descriptor is checked (SO_TYPE, SO_ACCEPTCONN), made
// close-on-exec, and the three LISTEN_* variables are removed from the environment.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/service/endpoint.h"

namespace posada::service {

struct LaunchOptions {
    std::vector<std::string> listen; // --listen [NAME=]ADDRESS:PORT: replaces the configured addresses
    std::string listener;            // --listener NAME: what an inetd socket is, when its port does not tell
};

struct Launched {
    std::vector<Endpoint> endpoints;
    bool single = false; // one connected client (inetd nowait, Accept=yes): serve it and exit
};

// listeners: the daemon's configured list; Endpoint::listener indexes it. Errc::invalid is a configuration error
// (exit 78): an unknown LISTEN_FDNAMES name, an unknown --listen name, a socket of the wrong type.
Result<Launched> take_endpoints(const LaunchOptions& options, const std::vector<Listener>& listeners);

// Under inetd standard output and error are the client: whatever is not meant for it must not reach it. Points them at
// /dev/null when they are the same socket as standard input. To be called first in main().
void shield_client_from_stderr();

} // namespace posada::service
