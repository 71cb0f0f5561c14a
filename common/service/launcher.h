// SPDX-License-Identifier: BSD-2-Clause
// The launcher: sbin/<x>d. Root, reads no byte of any client: takes endpoints (launch.h), starts the net program,
// accepts, applies limits, hands {socket, channel} over, and runs the monitor sessions.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "common/service/monitor.h"
#include "common/service/net.h"

namespace posada::service {

class Settings;  // config.h: what the launcher knows: common settings and this daemon's options

struct LauncherDaemon {
    std::string_view name;         // "pop3d"; also the configuration section and the PAM-free log name
    std::string_view net_program;  // "pop3d-net"
    std::string_view user;         // "_posada-pop3d"
    NetModel model;
    std::span<const priv::RequestInfo> requests;
    std::vector<Listener> default_listeners;
    // One per connection. nullptr result or nullptr function: the daemon has no privileged requests.
    std::unique_ptr<MonitorSession> (*make_session)(MonitorLink& link, const SessionInfo& info, const Settings& settings);
};

int launcher_main(const LauncherDaemon& daemon, int argc, char** argv);

}  // namespace posada::service
