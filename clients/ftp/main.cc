// SPDX-License-Identifier: BSD-2-Clause
// ftp: the command-line client.
#include <cstdio>

#include "clients/ftp/fetch.h"
#include "clients/ftp/shell.h"

using namespace posada;

static ftp::Exit run(ftp::Client& client, const ftp::Options& options) {
    if (!options.urls.empty()) return ftp::move_urls(client, options);
    ftp::Exit exit = ftp::Exit::ok;
    if (!options.host.empty()) exit = ftp::connect_to(client, options.host);
    const bool stop = exit != ftp::Exit::ok && (!options.commands.empty() || client.settings.fail_exit);
    if (stop) return exit;
    return options.commands.empty() ? ftp::run_shell(client, exit) : ftp::run_commands(client, options.commands);
}

int main(int argc, char** argv) {
    ftp::Client client;
    const ftp::Options options = ftp::read_options(argc, argv, client.screen.typed());
    if (options.leave >= 0) return options.leave;
    client.settings = options.settings;
    client.login.user = options.user;
    ftp::catch_interrupts();
    const ftp::Exit exit = run(client, options);
    return std::fflush(stdout) == 0 ? static_cast<int>(exit) : static_cast<int>(ftp::Exit::command);
}
