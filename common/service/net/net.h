// SPDX-License-Identifier: BSD-2-Clause
// The net side of a daemon: libexec/posada/<x>d-net. net_main() speaks with the launcher, builds TLS contexts, raises
// the sandbox, and hands accepted connections to the daemon's NetService. The program links no PAM, no toml++, no NSS.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "common/base/fd.h"
#include "common/io/addr.h"
#include "common/io/loop.h"
#include "common/io/tls.h"
#include "common/priv/request.h"
#include "common/priv/sandbox.h"
#include "common/service/connection_requests.h"
#include "common/service/endpoint.h"
#include "common/service/net_protocol.h"

namespace posada::service {

// One client, as the launcher accepted it.
struct Accepted {
    UniqueFd socket;
    UniqueFd channel;     // SOCK_SEQPACKET to this connection's monitor; closing it ends the session there
    std::uint64_t id = 0; // session id in logs and channel headers
    io::Address peer;
    io::Address local;
    Listener listener;       // name, tls mode, auth, plaintext_auth
    std::string challenge{}; // MonitorService::challenge()
};

struct NetContext {
    io::Loop& loop;
    // nullptr when no certificate is configured. A renewed certificate arrives with a new net process.
    std::function<std::shared_ptr<io::TlsContext>(io::TlsProfile)> tls;
    // To be called when the last connection has gone: ends a connection's process, lets a stopping one finish.
    std::function<void()> idle;
    // Asks the launcher for a new channel to a service ("queue", "lookup"); it arrives through adopt().
    std::function<void(std::string_view name)> want;
    // Notes whose input is being worked on: if this process dies now, that session's source is the one penalised.
    std::function<void(std::uint64_t id)> serving;
    Millis sign_timeout{}; // [tls] sign_timeout
};

class NetService {
  public:
    virtual ~NetService() = default;
    virtual void accept(Accepted connection) = 0;
    // A descriptor the launcher hands to a shared net process (LauncherDaemon::channels); again after that service
    // restarted.
    virtual void adopt(std::string_view name, UniqueFd channel);
    // No more connections come: NetContext::idle() once the last one has gone.
    virtual void stop() = 0;
};

// What a net program is told before it is ready; settings are made of it once.
struct NetStart {
    std::string_view hostname;
    std::string_view options; // decode_net_options()
};
// Makes the service of a process: once (shared), or in each connection's process. context outlives the service.
using MakeService = std::function<std::unique_ptr<NetService>(NetContext& context)>;

struct NetDaemon {
    std::string_view name; // "pop3d"
    NetModel model;
    std::span<const priv::RequestInfo> requests; // the daemon's own table, for the hello's hash
    std::string_view alpn;                       // "pop3" or ""
    // Once per program, before it is ready; an error (launcher and net program are of two versions) ends it with 78, so
    // that no client meets it. Most daemons: prepare_connections() of connections.h.
    Result<MakeService> (*prepare)(const NetStart& start);
    // Of NetModel::per_connection: net_connection, or net_transfer where files are received.
    priv::SandboxProfile profile = priv::SandboxProfile::net_connection;
    Handshakes handshakes = Handshakes::one; // as LauncherDaemon says
};

// The whole main() of a net program.
int net_main(const NetDaemon& daemon, int argc, char** argv);

} // namespace posada::service
