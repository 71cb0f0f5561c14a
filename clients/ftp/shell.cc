// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/shell.h"

#include "clients/ftp/handlers.h"

namespace posada::ftp {

Exit run_shell(Client& client, Exit so_far) {
    const bool typed = client.screen.typed();
    while (!client.leaving) {
        if (so_far != Exit::ok && client.settings.fail_exit) break;
        forget_interrupt();
        const auto line = client.screen.ask(typed ? "ftp> " : "");
        if (!line && interrupted()) {
            client.screen.mark("\n");
            continue;
        }
        if (!line) break;
        const Exit exit = run_line(client, *line);
        if (so_far == Exit::ok) so_far = exit;
    }
    disconnect(client);
    return typed ? Exit::ok : so_far;
}

// At ';' and line ends outside quotes.
static Words split_script(const std::string& script) {
    Words out(1);
    char quote = 0;
    for (std::size_t i = 0; i < script.size(); ++i) {
        const char c = script[i];
        if (quote == 0 && (c == ';' || c == '\n')) {
            out.emplace_back();
            continue;
        }
        if (c == quote)
            quote = 0;
        else if (quote == 0 && (c == '"' || c == '\''))
            quote = c;
        out.back() += c;
        if (c == '\\' && i + 1 < script.size() && quote != '\'') out.back() += script[++i];
    }
    return out;
}

Exit run_commands(Client& client, const std::string& commands) {
    Exit exit = Exit::ok;
    for (const std::string& line : split_script(commands)) {
        if (client.leaving) break;
        exit = run_line(client, line);
        if (exit != Exit::ok) break;
    }
    disconnect(client);
    return exit;
}

} // namespace posada::ftp
