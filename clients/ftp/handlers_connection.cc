// SPDX-License-Identifier: BSD-2-Clause
// Commands about the connection, and about this side.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "clients/ftp/handlers.h"
#include "common/base/text.h"

namespace posada::ftp {

Exit do_open(Client& client, const Words& words) {
    if (client.server) {
        client.screen.trouble("Already connected to " + client.server->host + ", use close first.");
        return Exit::usage;
    }
    if (words.size() > 2) {
        const auto port = parse_uint(words[2]);
        if (!port || *port == 0 || *port > 65535) return client.screen.trouble("?Invalid port."), Exit::usage;
        client.settings.port = static_cast<std::uint16_t>(*port);
    }
    return connect_to(client, words[1]);
}

Exit do_user(Client& client, const Words& words) {
    Login login;
    login.user = words[1];
    if (words.size() > 2) login.password = words[2];
    if (words.size() > 3) login.account = words[3];
    const Status done = log_in(*client.server, login, client.settings, client.screen);
    return done ? Exit::ok : fail(client, done.error());
}

Exit do_close(Client& client, const Words&) {
    disconnect(client);
    return Exit::ok;
}

Exit do_bye(Client& client, const Words&) {
    disconnect(client);
    client.leaving = true;
    return Exit::ok;
}

static void list_rows(const Client& client) {
    client.screen.line("Commands may be abbreviated.  Commands are:");
    constexpr std::size_t width = 14;
    std::string text;
    for (const Row& row : rows()) {
        text += row.name;
        text.append(width - std::min(width, row.name.size()), ' ');
        if (text.size() < 5 * width) continue;
        client.screen.line(text);
        text.clear();
    }
    if (!text.empty()) client.screen.line(text);
}

Exit do_help(Client& client, const Words& words) {
    if (words.size() == 1) return list_rows(client), Exit::ok;
    const Found found = find_row(words[1]);
    if (found.row == nullptr || found.ambiguous)
        return client.screen.trouble("?Invalid help command " + words[1]), Exit::usage;
    client.screen.line(std::string(found.row->name) + " " + std::string(found.row->syntax) + ": " +
                       std::string(found.row->help));
    return Exit::ok;
}

Exit do_shell(Client& client, const Words& words) {
    const char* shell = ::getenv("SHELL");
    const std::string command =
        trim(words.size() > 1 ? words[1] : "").empty() ? std::string(shell == nullptr ? "/bin/sh" : shell) : words[1];
    client.screen.mark(""); // what we said stands before what it says
    return std::system(command.c_str()) == 0 ? Exit::ok : Exit::command;
}

// A macro that calls itself would never end: no macro calls another.
Exit do_macro(Client& client, const Words& words) {
    const auto found = client.macros.find(words[1]);
    if (found == client.macros.end()) return client.screen.trouble("'" + words[1] + "' macro not found."), Exit::usage;
    const std::vector<std::string> lines = found->second; // a line may connect elsewhere, where there are others
    for (const std::string& line : lines) {
        if (trim(line).starts_with('$')) return client.screen.trouble("?A macro in a macro: " + line), Exit::usage;
        if (const Exit exit = run_line(client, line); exit != Exit::ok) return exit;
    }
    return Exit::ok;
}

Exit do_lcd(Client& client, const Words& words) {
    const char* home = ::getenv("HOME");
    const std::string folder = words.size() > 1 ? words[1] : std::string(home == nullptr ? "/" : home);
    if (::chdir(folder.c_str()) != 0) return fail(client, errno_error(folder));
    return do_lpwd(client, words);
}

Exit do_lpwd(Client& client, const Words&) {
    char* folder = ::getcwd(nullptr, 0);
    if (folder == nullptr) return fail(client, errno_error("the directory here"));
    client.screen.line("Local directory: " + std::string(folder));
    std::free(folder);
    return Exit::ok;
}

} // namespace posada::ftp
