// SPDX-License-Identifier: BSD-2-Clause
#include <getopt.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/priv/drop.h"
#include "common/service/launch.h"
#include "common/service/launcher_state.h"
#include "common/service/notify.h"

namespace posada::service {

namespace {

constexpr int exit_usage = 64;
constexpr int exit_software = 70;
constexpr int exit_system = 71;
constexpr int exit_config = 78;
// Two a client, and some; a shell's soft limit of 1,024 would end at 500 clients.
constexpr std::uint64_t most_descriptors = 65'536;

struct CommandOption {
    option spec;
    std::string_view argument;
    std::string_view help;
};

// The one list of command-line options of every daemon: getopt, --help and the man pages' table come from it.
constexpr CommandOption command_options[] = {
    {{"config", required_argument, nullptr, 'c'}, "FILE", "read FILE instead of /etc/posada/posada.toml"},
    {{"listen", required_argument, nullptr, 'l'},
     "[NAME=]ADDRESS:PORT",
     "listen here instead of the configured addresses; may be repeated"},
    {{"listener", required_argument, nullptr, 'n'},
     "NAME",
     "started by inetd: which configured listener this socket is"},
    {{"ready-fd", required_argument, nullptr, 'r'}, "N", "write a newline to descriptor N once the daemon serves"},
    {{"help", no_argument, nullptr, 'h'}, "", "print this help"},
    {{"version", no_argument, nullptr, 'v'}, "", "print the version"},
};

void print_help(const LauncherDaemon& daemon) {
    std::printf("usage: %.*s [options]\n", static_cast<int>(daemon.name.size()), daemon.name.data());
    for (const CommandOption& row : command_options)
        std::printf("  --%s %.*s\n        %.*s\n", row.spec.name, static_cast<int>(row.argument.size()),
                    row.argument.data(), static_cast<int>(row.help.size()), row.help.data());
}

// Returns the exit status to leave with, or -1 to go on.
int apply_option(const LauncherDaemon& daemon, LauncherOptions& options, int letter, const char* value) {
    switch (letter) {
    case 'c':
        options.config.file = value;
        options.config.must_exist = true;
        return -1;
    case 'l': options.launch.listen.emplace_back(value); return -1;
    case 'n': options.launch.listener = value; return -1;
    case 'r': {
        const auto fd = parse_uint(value);
        if (!fd || *fd > 1024) return exit_usage;
        options.ready_fd = static_cast<int>(*fd);
        return -1;
    }
    case 'h': print_help(daemon); return 0;
    case 'v': std::printf("posada %s\n", POSADA_VERSION); return 0;
    default: return exit_usage;
    }
}

int parse_options(const LauncherDaemon& daemon, int argc, char** argv, LauncherOptions& options) {
    std::vector<option> specs;
    for (const CommandOption& row : command_options) specs.push_back(row.spec);
    specs.push_back({});
    for (;;) {
        const int letter = ::getopt_long(argc, argv, "", specs.data(), nullptr);
        if (letter == -1) break;
        if (const int code = apply_option(daemon, options, letter, ::optarg); code >= 0) return code;
    }
    if (::optind == argc) return -1;
    std::fprintf(stderr, "%s: unexpected argument '%s'; see --help\n", argv[0], argv[::optind]);
    return exit_usage;
}

int report(const LauncherDaemon& daemon, const Error& error) {
    const bool configuration = error.code == Errc::invalid;
    notify_manager(status_text("cannot start: ", error));
    if (configuration) {
        std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(daemon.name.size()), daemon.name.data(),
                     error.describe().c_str());
    } else {
        log(event::start_failed, {{"service", std::string(daemon.name)}, {"error", error.describe()}});
    }
    return configuration ? exit_config : exit_system;
}

} // namespace

int launcher_main(const LauncherDaemon& daemon, int argc, char** argv) {
    if (daemon.model == NetModel::per_connection && !daemon.services.empty()) {
        std::fprintf(stderr, "%.*s: services need NetModel::shared\n", static_cast<int>(daemon.name.size()),
                     daemon.name.data());
        return exit_software;
    }
    priv::keep_title_room(argc, argv); // before getopt reorders it
    shield_client_from_stderr();
    LauncherOptions options;
    if (const int code = parse_options(daemon, argc, argv, options); code >= 0) return code;
    ::signal(SIGPIPE, SIG_IGN);
    priv::ProcessLimits limits;
    limits.open_files = most_descriptors;
    if (const Status raised = priv::limit_process(limits); !raised) return report(daemon, raised.error());
    auto loop = io::Loop::create();
    if (!loop) return report(daemon, loop.error());
    Launcher launcher(**loop, daemon, std::move(options));
    if (const Status started = launcher.start(); !started) return report(daemon, started.error());
    launcher.run();
    return launcher.exit_code();
}

} // namespace posada::service
