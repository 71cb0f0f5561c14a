// SPDX-License-Identifier: BSD-2-Clause
// Commands that move files and listings.
#include <glob.h>
#include <sys/stat.h>

#include "clients/ftp/handlers.h"
#include "clients/ftp/local_file.h"
#include "clients/ftp/mirror.h"
#include "common/base/text.h"

namespace posada::ftp {

constexpr std::size_t max_name_list = 64 * 1024 * 1024; // octets

static std::string word(const Words& words, std::size_t at) { return at < words.size() ? words[at] : std::string(); }

static Exit listing(Client& client, const std::string& verb, const Words& words) {
    if (word(words, 1) == "--json") return list_json(client, word(words, 2), word(words, 3));
    const std::string folder = word(words, 1);
    return list(client, {folder.empty() ? verb : verb + " " + folder}, word(words, 2));
}

Exit do_ls(Client& client, const Words& words) { return listing(client, "LIST", words); }
Exit do_nlist(Client& client, const Words& words) { return listing(client, "NLST", words); }
Exit do_mlsd(Client& client, const Words& words) { return listing(client, "MLSD", words); }

// The last word is the file, which all listings go to.
Exit do_mls(Client& client, const Words& words) {
    Words commands;
    for (std::size_t i = 1; i + 1 < words.size(); ++i)
        commands.push_back((words[0] == "mdir" ? "LIST " : "NLST ") + words[i]);
    return list(client, commands, words.back() == "-" ? "" : words.back());
}

static Exit get(Client& client, const Words& words, bool resume) {
    const Exit exit = fetch_file(client, {words[1], word(words, 2), words.size() > 2, resume});
    if (client.settings.bell) client.screen.mark("\a");
    return exit;
}

Exit do_get(Client& client, const Words& words) { return get(client, words, false); }
Exit do_reget(Client& client, const Words& words) { return get(client, words, true); }

Exit do_newer(Client& client, const Words& words) {
    const std::string local = words.size() > 2 ? words[2] : local_name(client.settings, words[1]);
    struct stat info {};
    if (::stat(local.c_str(), &info) == 0) {
        const auto there = remote_time(client, words[1], Show::failure);
        if (!there)
            return client.screen.trouble("ftp: the server does not say when " + words[1] + " was changed"),
                   Exit::command;
        if (*there <= info.st_mtime) {
            client.screen.line("Local file \"" + local + "\" is newer than remote file \"" + words[1] + "\".");
            return Exit::ok;
        }
    }
    return get(client, words, false);
}

// y, or n, or all the rest, or quit.
enum class Answer : std::uint8_t { yes, no, all, quit };
static Answer confirm(Client& client, const std::string& what) {
    if (!client.settings.prompt || !client.screen.typed()) return Answer::yes;
    const std::string answer = client.screen.ask(visible(what) + " [anpqy?]? ").value_or("q");
    switch (answer.empty() ? 'y' : ascii_lower(answer[0])) {
    case 'n': return Answer::no;
    case 'q': return Answer::quit;
    case 'a':
    case 'p': return Answer::all;
    default: return Answer::yes;
    }
}

template <class Act>
static Exit for_each(Client& client, const Words& names, const char* what, Act act) {
    Exit worst = Exit::ok;
    bool ask = true;
    for (const std::string& name : names) {
        const Answer answer = ask ? confirm(client, std::string(what) + " " + name) : Answer::yes;
        if (answer == Answer::quit) break;
        if (answer == Answer::all) ask = false;
        if (answer == Answer::no) continue;
        const Exit exit = act(name);
        if (worst == Exit::ok) worst = exit;
        if (!client.server) break;
    }
    return worst;
}

static Words behind_name(const Words& words) { return {words.begin() + 1, words.end()}; }

static Exit get_each(Client& client, const Words& words, bool resume) {
    const auto names = remote_names(client, behind_name(words));
    if (!names) return fail(client, names.error());
    if (names->empty()) return client.screen.trouble("ftp: no such files"), Exit::command;
    return for_each(client, *names, words[0].c_str(), [&](const std::string& name) {
        return fetch_file(client, {name, "", false, resume});
    });
}

Exit do_mget(Client& client, const Words& words) { return get_each(client, words, false); }
Exit do_mreget(Client& client, const Words& words) { return get_each(client, words, true); }

// A name in each line of a file here.
Exit do_fget(Client& client, const Words& words) {
    const auto text = read_file(words[1], max_name_list);
    if (!text) return fail(client, text.error());
    Words names;
    for (const std::string_view name : split(*text, '\n'))
        if (!name.empty()) names.emplace_back(name);
    return for_each(client, names, "fget", [&](const std::string& name) {
        return fetch_file(client, {name, "", false, false});
    });
}

Exit do_mdelete(Client& client, const Words& words) {
    const auto names = remote_names(client, behind_name(words));
    if (!names) return fail(client, names.error());
    return for_each(client, *names, "mdelete", [&](const std::string& name) { return do_delete(client, {"", name}); });
}

static std::string stored_as(const Client& client, const Words& words) {
    return words.size() > 2 ? words[2] : remote_name(client.settings, words[1]);
}

Exit do_put(Client& client, const Words& words) {
    const Exit exit = store_file(client, words[1], stored_as(client, words), Store::replace);
    if (client.settings.bell) client.screen.mark("\a");
    return exit;
}
Exit do_append(Client& client, const Words& words) {
    return store_file(client, words[1], stored_as(client, words), Store::append);
}
Exit do_reput(Client& client, const Words& words) {
    return store_file(client, words[1], stored_as(client, words), Store::resume);
}

static Words local_names(const Client& client, const Words& patterns) {
    Words out;
    for (const std::string& pattern : patterns) {
        glob_t found{};
        if (client.settings.glob && ::glob(pattern.c_str(), GLOB_NOCHECK, nullptr, &found) == 0)
            out.insert(out.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
        else
            out.push_back(pattern);
        ::globfree(&found);
    }
    return out;
}

Exit do_mput(Client& client, const Words& words) {
    return for_each(client, local_names(client, behind_name(words)), "mput", [&](const std::string& name) {
        return store_file(client, name, remote_name(client.settings, name), Store::replace);
    });
}

Exit do_mirror(Client& client, const Words& words) {
    auto order = parse_mirror(words);
    if (!order) return client.screen.trouble("ftp: " + order.error().text), Exit::usage;
    return Mirror(client, std::move(*order)).run();
}

Exit do_restart(Client& client, const Words& words) {
    const auto offset = parse_uint(words[1]);
    if (!offset) return client.screen.trouble("?Invalid offset."), Exit::usage;
    client.settings.restart = *offset;
    client.screen.line("Restarting at " + words[1] + " for next get, put or append");
    return Exit::ok;
}

} // namespace posada::ftp
