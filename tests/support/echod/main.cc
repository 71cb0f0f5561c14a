// SPDX-License-Identifier: BSD-2-Clause
// sbin/echod, the smallest daemon and the model of a new one (HACKING.md, "Add a daemon"): launcher and monitor.
#include "tests/support/echod/monitor.h"
#include "tests/support/echod/options.h"
#include "tests/support/echod/requests.h"

int main(int argc, char** argv) {
    using namespace posada;
    service::LauncherDaemon daemon{};
    daemon.name = "echod";
    daemon.model = echod::model_of(argv[0]);
    daemon.net_program = daemon.model == service::NetModel::shared ? "echod-shared-net" : "echod-net";
    daemon.role = "pop3d"; // borrowed: a test has no account of its own
    daemon.requests = echod::MonitorRequests::rows;
    daemon.logins = false; // who does not log in is no less a client
    daemon.section = &echod::EchoOptions::section;
    daemon.refusal = "-busy, try again later\r\n";
    daemon.make_monitor = &echod::make_monitor;
    return service::launcher_main(daemon, argc, argv);
}
