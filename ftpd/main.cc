// SPDX-License-Identifier: BSD-2-Clause
// sbin/ftpd: the launcher and monitor of the FTP server.
#include "ftpd/monitor.h"
#include "ftpd/options.h"
#include "ftpd/requests.h"

int main(int argc, char** argv) {
    using namespace posada;
    service::LauncherDaemon daemon{};
    daemon.name = "ftpd";
    daemon.net_program = "ftpd-net";
    daemon.role = "ftpd";
    daemon.model = service::NetModel::per_connection;
    daemon.requests = ftpd::MonitorRequests::rows;
    daemon.logins = true;
    daemon.section = &ftpd::FtpOptions::section;
    daemon.refusal = "421 Too many connections, try again later.\r\n";
    daemon.handshakes = service::Handshakes::many;
    daemon.make_monitor = &ftpd::make_monitor;
    return service::launcher_main(daemon, argc, argv);
}
