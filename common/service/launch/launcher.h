// SPDX-License-Identifier: BSD-2-Clause
// The launcher: sbin/<x>d. Root, reads no byte of any client: takes endpoints (endpoints.h), starts the net program,
// accepts, applies limits, hands {socket, channel} over, and runs the monitor sessions.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "common/service/config/config.h"
#include "common/service/connection_requests.h"
#include "common/service/launch/monitor.h"
#include "common/service/net_protocol.h"

namespace posada::service {

// What make_monitor may need. The loop outlives what it makes, the settings may change after the call.
struct MonitorContext {
    io::Loop& loop;
    const Settings& settings;
    int log_fd; // for agents and workers: where their records go
};

// What a daemon's sessions share in the launcher (login workers, agents); outlives them. A reload makes a new one for
// the sessions that follow.
class MonitorService {
  public:
    virtual ~MonitorService() = default;
    // One per connection; nullptr where there is nothing to ask but who the client is.
    virtual std::unique_ptr<MonitorSession> make_session(MonitorLink& link, const SessionInfo& info) = 0;
    // Asked for every connection: what its client must have seen to log in (APOP), sent along with it to the net
    // process and kept in SessionInfo. Empty: nothing.
    virtual std::string challenge() { return {}; }
    // Processes of its sessions (agents) are still there, though these may have ended: nobody ends them before
    // stop_grace.
    [[nodiscard]] virtual bool working() const { return false; }
    // A channel to one of LauncherDaemon::channels for the net program of this pid, which has lost the one it had.
    virtual Result<UniqueFd> open_channel(std::string_view name, pid_t program);
};

struct LauncherDaemon {
    std::string_view name;        // "pop3d": log ident, process title
    std::string_view net_program; // "pop3d-net", beside us in ../libexec/posada
    std::string_view role;        // "pop3d": whose uid the net program gets (identity.h)
    NetModel model;
    std::span<const priv::RequestInfo> requests; // beside connection_requests.h
    bool logins;                                 // clients log in here
    const SectionInfo& (*section)();
    bool (*serves)(const Listener& listener); // nullptr = all listeners of the section
    std::string_view refusal;                 // written, with CRLF, to a client a limit refuses; "" = silent close
    Result<std::unique_ptr<MonitorService>> (*make_monitor)(const MonitorContext& context);
    // Channels to other services that the net program is given ("queue", "lookup"), reopened whenever it asks. Only
    // with NetModel::shared: one channel cannot serve many processes; launcher_main refuses it.
    std::vector<std::string_view> channels{};
    Handshakes handshakes = Handshakes::one;
};

int launcher_main(const LauncherDaemon& daemon, int argc, char** argv);

} // namespace posada::service
