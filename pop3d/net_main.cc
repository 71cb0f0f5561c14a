// SPDX-License-Identifier: BSD-2-Clause
// libexec/posada/pop3d-net: what speaks with clients; one process for each.
#include <cstdlib>

#include "common/base/log.h"
#include "common/service/connections.h"
#include "pop3d/conn.h"
#include "pop3d/requests.h"

namespace posada::pop3d {

constexpr int exit_configuration = 78; // the launcher starts us anew

static std::unique_ptr<service::NetService> make(service::NetContext& context) {
    auto settings = net_settings(context);
    if (!settings) { // launcher and net program are of two versions
        log(event::start_failed, {{"error", settings.error().describe()}});
        std::_Exit(exit_configuration);
    }
    return std::make_unique<service::Connections<Conn, NetSettings>>(context, std::move(*settings));
}

} // namespace posada::pop3d

int main(int argc, char** argv) {
    using namespace posada;
    service::NetDaemon daemon{"pop3d", service::NetModel::per_connection, pop3d::monitor_requests, "pop3",
                              &pop3d::make};
    return service::net_main(daemon, argc, argv);
}
