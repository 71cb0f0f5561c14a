// SPDX-License-Identifier: BSD-2-Clause
// libexec/posada/echod-net: what speaks with clients. It links no PAM, no TOML and no NSS.
#include "common/service/net/connections.h"
#include "tests/support/echod/conn.h"
#include "tests/support/echod/requests.h"

int main(int argc, char** argv) {
    using namespace posada;
    const service::NetDaemon daemon{"echod", echod::model_of(argv[0]), echod::MonitorRequests::rows, "",
                                    &service::prepare_connections<echod::Conn, echod::NetSettings>};
    return service::net_main(daemon, argc, argv);
}
