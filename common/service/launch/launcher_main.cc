// SPDX-License-Identifier: BSD-2-Clause
#include <cstdio>

#include "common/base/exit_code.h"
#include "common/priv/drop.h"
#include "common/service/launch/launcher_state.h"

namespace posada::service {

int launcher_main(const LauncherDaemon& daemon, int argc, char** argv) {
    if (daemon.model == NetModel::per_connection && !daemon.channels.empty()) {
        std::fprintf(stderr, "%.*s: channels need NetModel::shared\n", static_cast<int>(daemon.name.size()),
                     daemon.name.data());
        return exit_software;
    }
    priv::keep_title_room(argc, argv); // before getopt reorders it
    shield_client_from_stderr();
    CommandLine options;
    if (const int code = parse_command_line(daemon.name, true, argc, argv, options); code >= 0) return code;
    if (const Status ready = prepare_launcher_process(); !ready) return report_failed_start(daemon.name, ready.error());
    auto loop = io::Loop::create();
    if (!loop) return report_failed_start(daemon.name, loop.error());
    Launcher launcher(**loop, daemon, std::move(options));
    if (const Status started = launcher.start(); !started) return report_failed_start(daemon.name, started.error());
    launcher.run();
    return launcher.exit_code();
}

} // namespace posada::service
