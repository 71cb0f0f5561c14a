// SPDX-License-Identifier: BSD-2-Clause
// libexec/posada/ftpd-net: what speaks with clients. It links no PAM, no TOML and no NSS.
#include "common/service/net/connections.h"
#include "ftpd/conn.h"
#include "ftpd/requests.h"

int main(int argc, char** argv) {
    using namespace posada;
    const service::NetDaemon daemon{"ftpd",
                                    service::NetModel::per_connection,
                                    ftpd::MonitorRequests::rows,
                                    "ftp",
                                    &service::prepare_connections<ftpd::Conn, ftpd::NetSettings>,
                                    priv::SandboxProfile::net_transfer,
                                    service::Handshakes::many};
    return service::net_main(daemon, argc, argv);
}
