// SPDX-License-Identifier: BSD-2-Clause
// libexec/posada/pop3d-net: what speaks with clients; one process for each.
#include "common/service/net/connections.h"
#include "pop3d/conn.h"
#include "pop3d/requests.h"

int main(int argc, char** argv) {
    using namespace posada;
    const service::NetDaemon daemon{"pop3d", service::NetModel::per_connection, pop3d::MonitorRequests::rows, "pop3",
                                    &service::prepare_connections<pop3d::Conn, pop3d::NetSettings>};
    return service::net_main(daemon, argc, argv);
}
