// SPDX-License-Identifier: BSD-2-Clause
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "common/base/text.h"
#include "ctl/command.h"
#include "ctl/mailbox_command.h"
#include "ctl/user_command.h"

using namespace posada;
using ctl::Command;

static int help_command(std::span<const std::string_view> args);

// clang-format off
constexpr Command commands[] = {
    {"demo",   "[--dir DIR] [--base-port PORT] [--keep] [--ready-fd N] [--classroom]", "run every service here, on 127.0.0.1, until ^C", &ctl::demo_command},
    {"status", "[--json] [--config FILE | --control SOCKET]", "what posadad runs, since when, and why something does not run", &ctl::status_command},
    {"reload", "[--config FILE | --control SOCKET]",          "read the configuration again; a wrong one changes nothing",    &ctl::reload_command},
    {"user",   "add|passwd|list|remove [NAME] [--password-fd N | --generate] [--home DIR] [--json] [--config FILE] [--users-file FILE]", "users without a Unix account", &ctl::user_command},
    {"mailbox", "import|list|check [--user NAME] [--folder NAME] [--json] ... [MBOX|-|MAILDIR]", "mail of an mbox or Maildir brought in; what a mailbox holds; what is wrong in it", &ctl::mailbox_command},
    {"queue",  "list|stats|retry [ID]|remove ID [--json] [--config FILE]", "mail that waits for delivery; retry: at once; remove: without a word to its sender", &ctl::queue_command},
    {"config", "[-n] [--origin] [--json] [--config FILE]",    "the configuration in force; -n: only what differs from the defaults", &ctl::config_command},
    {"check",  "[--json] [--config FILE]",                    "what is wrong with configuration, certificates, accounts, addresses", &ctl::check_command},
    {"help",   "",                                            "this list",                                                    &help_command},
};
// clang-format on

static int help_command(std::span<const std::string_view>) {
    std::puts("usage: posada COMMAND [ARGUMENTS]\n");
    for (const Command& command : commands)
        std::printf("  posada %.*s %.*s\n      %.*s\n", static_cast<int>(command.name.size()), command.name.data(),
                    static_cast<int>(command.syntax.size()), command.syntax.data(),
                    static_cast<int>(command.help.size()), command.help.data());
    std::puts("\nManual: posada(7) for a tour, posada(8) for these commands, posada.toml(5) for the configuration.");
    return 0;
}

int main(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    const std::vector<std::string_view> args(argv + (argc > 0 ? 1 : 0), argv + argc);
    if (args.empty()) return help_command({}), posada::exit_usage;
    std::string_view name = args[0];
    if (name == "--help" || name == "-h") name = "help";
    if (name == "--version") return std::printf("posada %s\n", POSADA_VERSION), 0;
    std::vector<std::string_view> names;
    for (const Command& command : commands) {
        if (command.name == name) return command.run(std::span(args).subspan(1));
        names.push_back(command.name);
    }
    const std::string_view meant = nearest(name, names);
    std::fprintf(stderr, "posada: no command '%s'%s%s\n", escape_for_log(name).c_str(),
                 meant.empty() ? "; see posada help" : "; did you mean ", std::string(meant).c_str());
    return posada::exit_usage;
}
