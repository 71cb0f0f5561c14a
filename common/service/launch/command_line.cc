// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/command_line.h"

#include <getopt.h>
#include <signal.h>

#include <cstdio>

#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/priv/drop.h"
#include "common/service/launch/notify.h"

namespace posada::service {

namespace {

// Two a client, and some; a shell's soft limit of 1,024 would end at 500 clients.
constexpr std::uint64_t most_descriptors = 65'536;

struct CommandOption {
    option spec;
    std::string_view argument;
    std::string_view help;
    bool sockets = false; // means nothing to a service that takes no sockets
};

// The one list of command-line options of every daemon: getopt and --help come from it.
constexpr CommandOption command_options[] = {
    {{"config", required_argument, nullptr, 'c'}, "FILE", "read FILE instead of /etc/posada/posada.toml"},
    {{"listen", required_argument, nullptr, 'l'},
     "[NAME=]ADDRESS:PORT",
     "listen here instead of the configured addresses; may be repeated",
     true},
    {{"listener", required_argument, nullptr, 'n'},
     "NAME",
     "started by inetd: which configured listener this socket is",
     true},
    {{"ready-fd", required_argument, nullptr, 'r'}, "N", "write a newline to descriptor N once the daemon serves"},
    {{"help", no_argument, nullptr, 'h'}, "", "print this help"},
    {{"version", no_argument, nullptr, 'v'}, "", "print the version"},
};

void print_help(std::string_view name, std::span<const CommandOption> rows) {
    std::printf("usage: %.*s [options]\n", static_cast<int>(name.size()), name.data());
    for (const CommandOption& row : rows)
        std::printf("  --%s %.*s\n        %.*s\n", row.spec.name, static_cast<int>(row.argument.size()),
                    row.argument.data(), static_cast<int>(row.help.size()), row.help.data());
}

// Returns the exit status to leave with, or -1 to go on.
int apply_option(CommandLine& options, int letter, const char* value) {
    switch (letter) {
    case 'c':
        options.config.file = value;
        options.config.must_exist = true;
        return -1;
    case 'l': options.launch.listen.emplace_back(value); return -1;
    case 'n': options.launch.listener = value; return -1;
    case 'r': {
        const auto fd = parse_uint(value);
        if (!fd || *fd > 1024) {
            std::fprintf(stderr, "--ready-fd wants the number of a descriptor, not '%s'\n", value);
            return exit_usage;
        }
        options.ready_fd = static_cast<int>(*fd);
        return -1;
    }
    case 'v': std::printf("posada %s\n", POSADA_VERSION); return 0;
    default: return exit_usage;
    }
}

} // namespace

int parse_command_line(std::string_view name, bool sockets, int argc, char** argv, CommandLine& out) {
    std::vector<CommandOption> rows;
    std::vector<option> specs;
    for (const CommandOption& row : command_options) {
        if (row.sockets && !sockets) continue;
        rows.push_back(row);
        specs.push_back(row.spec);
    }
    specs.push_back({});
    ::optind = 1;
    for (;;) {
        const int letter = ::getopt_long(argc, argv, "", specs.data(), nullptr);
        if (letter == -1) break;
        if (letter == 'h') return print_help(name, rows), 0;
        if (const int code = apply_option(out, letter, ::optarg); code >= 0) return code;
    }
    if (::optind == argc) return -1;
    std::fprintf(stderr, "%s: unexpected argument '%s'; see --help\n", argv[0], argv[::optind]);
    return exit_usage;
}

Status prepare_launcher_process() {
    ::signal(SIGPIPE, SIG_IGN);
    priv::ProcessLimits limits;
    limits.open_files = most_descriptors;
    return priv::limit_process(limits);
}

int report_failed_start(std::string_view name, const Error& error) {
    notify_manager(status_text("cannot start: ", error));
    if (error.code == Errc::invalid) {
        std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(name.size()), name.data(), error.describe().c_str());
        return exit_config;
    }
    log(event::start_failed, {{"service", std::string(name)}, {"error", error.describe()}});
    return exit_system;
}

} // namespace posada::service
