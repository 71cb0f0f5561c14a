// SPDX-License-Identifier: BSD-2-Clause
// What is on the server: a directory with what is known of its files, and the names that patterns stand for.
#include <fnmatch.h>

#include "clients/ftp/client.h"
#include "common/base/text.h"

namespace posada::ftp {

constexpr std::size_t max_names = 64 * 1024 * 1024; // octets of one listing of names

static Status list_quietly(Client& client, const std::string& command, char type, const Take& take) {
    const Quiet quiet(client);
    const auto moved = receive(*client.server, client.settings, client.screen, Request{command, type, 0, 0}, take);
    return moved ? Status{} : Status{moved.error()};
}

static std::string with_folder(const std::string& verb, const std::string& folder) {
    return folder.empty() ? verb : verb + " " + folder;
}

bool lists_facts(const Server& server) { return server.has("MLST") || server.has("MLSD"); }

Result<Listing> read_folder(Client& client, const std::string& folder) {
    const bool facts = lists_facts(*client.server);
    // LIST takes a name that begins like an option for one.
    const std::string name = !facts && folder.starts_with('-') ? "./" + folder : folder;
    ListingReader reader(!facts, SystemClock().unix_now());
    // What MLSD sends is the same in every type: the one that is set costs no command.
    RETURN_IF_ERROR(list_quietly(client, with_folder(facts ? "MLSD" : "LIST", name), facts ? client.server->type : 'A',
                                 [&](std::string_view text) { return reader.take(text); }));
    return reader.finish();
}

static Result<Words> names_by_nlst(Client& client, const std::string& folder) {
    std::string listing;
    const auto take = [&](std::string_view text) -> Status {
        listing += text;
        return listing.size() <= max_names ? Status{} : Status{Error{Errc::io, 0, "the listing does not end"}};
    };
    RETURN_IF_ERROR(list_quietly(client, with_folder("NLST", folder), 'A', take));
    Words out;
    for (std::string_view name : split(listing, '\n')) {
        if (name.ends_with('\r')) name.remove_suffix(1);
        if (!folder.empty() && name.starts_with(folder)) name.remove_prefix(folder.size());
        if (name.starts_with("./")) name.remove_prefix(2);
        if (name.empty()) continue;
        if (is_plain_name(name))
            out.emplace_back(name);
        else
            show_refused(client, std::string(name));
    }
    return out;
}

void show_refused(const Client& client, const std::string& name) {
    client.screen.trouble("ftp: refused the name " + name);
}

// Files, and what may be one.
static Result<Words> names_by_facts(Client& client, const std::string& folder) {
    const bool nested = folder.size() > 1;
    auto listing = read_folder(client, nested ? folder.substr(0, folder.size() - 1) : folder);
    if (!listing) return listing.error();
    for (const std::string& name : listing->refused) show_refused(client, name);
    Words out;
    for (Entry& entry : listing->entries)
        if (entry.kind != Kind::directory) out.push_back(std::move(entry.name));
    return out;
}

// The server is asked for the names of one folder, and the pattern is matched here: so a name that leads out of it, or
// one that nobody asked for, is never taken, whatever the server says.
static Status expand(Client& client, const std::string& pattern, Words& out) {
    const std::size_t slash = pattern.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : pattern.substr(0, slash + 1);
    const std::string last = slash == std::string::npos ? pattern : pattern.substr(slash + 1);
    const auto names = lists_facts(*client.server) ? names_by_facts(client, folder) : names_by_nlst(client, folder);
    if (!names) return names.error();
    for (const std::string& name : *names)
        if (::fnmatch(last.c_str(), name.c_str(), FNM_PERIOD) == 0) out.push_back(folder + name);
    return {};
}

Result<Words> remote_names(Client& client, const Words& patterns) {
    Words out;
    for (const std::string& pattern : patterns) {
        if (client.settings.glob && pattern.find_first_of("*?[") != std::string::npos)
            RETURN_IF_ERROR(expand(client, pattern, out));
        else
            out.push_back(pattern);
    }
    return out;
}

} // namespace posada::ftp
