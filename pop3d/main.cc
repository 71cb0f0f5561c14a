// SPDX-License-Identifier: BSD-2-Clause
// sbin/pop3d: the launcher and monitor of the POP3 server.
#include "pop3d/monitor.h"
#include "pop3d/options.h"
#include "pop3d/requests.h"

int main(int argc, char** argv) {
    using namespace posada;
    service::LauncherDaemon daemon{};
    daemon.name = "pop3d";
    daemon.net_program = "pop3d-net";
    daemon.role = "pop3d";
    daemon.model = service::NetModel::per_connection;
    daemon.requests = pop3d::MonitorRequests::rows;
    daemon.logins = true;
    daemon.section = &pop3d::Pop3Options::section;
    daemon.refusal = "-ERR [SYS/TEMP] too many connections, try again later\r\n";
    daemon.make_monitor = &pop3d::make_monitor;
    return service::launcher_main(daemon, argc, argv);
}
