// SPDX-License-Identifier: BSD-2-Clause
// Commands that show something with $PAGER.
#include <cstdlib>

#include "clients/ftp/handlers.h"

namespace posada::ftp {

static std::string pager() {
    const char* name = ::getenv("PAGER");
    return name == nullptr || *name == '\0' ? "more" : name;
}

Exit do_page(Client& client, const Words& words) {
    return fetch_file(client, {words[1], "|" + pager(), true, false, true});
}

// A listing is text; what RETR shows of a file is shown of a directory too.
Exit do_list_pages(Client& client, const Words& words) {
    const std::string verb = words[0] == "pmlsd" ? "MLSD" : words[0] == "pls" ? "NLST" : "LIST";
    return list(client, {words.size() > 1 ? verb + " " + words[1] : verb}, "|" + pager(), true);
}

static std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

Exit do_lpage(Client& client, const Words& words) {
    client.screen.mark(""); // what we said stands before what it says
    const std::string name = words[1].starts_with('-') ? "./" + words[1] : words[1];
    return std::system((pager() + " " + quoted(name)).c_str()) == 0 ? Exit::ok : Exit::command;
}

} // namespace posada::ftp
