// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/handlers.h"

namespace posada::ftp {

static constexpr Row table[] = {
    {"!", do_shell, false, 0, "[command]", "run a command here, or a shell"},
    {"$", do_macro, false, 1, "macro", "run the lines of a macro of .netrc"},
    {"?", do_help, false, 0, "[command]", "what there is to say"},
    {"account", do_account, true, 0, "[account]", "send the account that some servers want (ACCT)"},
    {"append", do_append, true, 1, "local-file [remote-file]", "put a file behind one on the server"},
    {"ascii", do_ascii, false, 0, "", "lines end as they do here (TYPE A)"},
    {"bell", do_toggle, false, 0, "[on|off]", "beep when a transfer has ended"},
    {"binary", do_binary, false, 0, "", "files arrive as they are (TYPE I)"},
    {"bye", do_bye, false, 0, "", "close the connection and leave"},
    {"case", do_toggle, false, 0, "[on|off]", "fetch names in capital letters as small ones"},
    {"cd", do_cd, true, 1, "remote-directory", "change the directory there"},
    {"cdup", do_cdup, true, 0, "", "change to the directory above"},
    {"chmod", do_chmod, true, 2, "mode remote-file", "change the permissions of a file there"},
    {"close", do_close, true, 0, "", "close the connection"},
    {"cr", do_toggle, false, 0, "[on|off]", "take the CR off the ends of lines received with TYPE A"},
    {"debug", do_toggle, false, 0, "[on|off]", "show what is sent"},
    {"delete", do_delete, true, 1, "remote-file", "remove a file there"},
    {"dir", do_ls, true, 0, "[--json] [remote-directory [local-file]]", "list a directory there"},
    {"disconnect", do_close, true, 0, "", "close the connection"},
    {"epsv", do_toggle, false, 0, "[on|off]", "use EPSV before PASV"},
    {"epsv4", do_toggle, false, 0, "[on|off]", "use EPSV before PASV; with IPv6 there is no other"},
    {"exit", do_bye, false, 0, "", "close the connection and leave"},
    {"features", do_features, true, 0, "", "what the server says it can do"},
    {"fget", do_fget, true, 1, "local-file", "fetch the files that are named in one, a name in each line"},
    {"form", do_fixed, false, 0, "[non-print]", "the format of TYPE A"},
    {"ftp", do_open, false, 1, "host [port]", "connect"},
    {"get", do_get, true, 1, "remote-file [local-file]", "fetch a file"},
    {"glob", do_toggle, false, 0, "[on|off]", "take * ? [ in names for patterns"},
    {"hash", do_toggle, false, 0, "[on|off]", "show a # for each MiB"},
    {"help", do_help, false, 0, "[command]", "what there is to say"},
    {"idle", do_idle, true, 0, "[seconds]", "how long the server waits for us"},
    {"image", do_binary, false, 0, "", "files arrive as they are (TYPE I)"},
    {"lcd", do_lcd, false, 0, "[local-directory]", "change the directory here"},
    {"less", do_page, true, 1, "remote-file", "show a file with $PAGER"},
    {"lpage", do_lpage, false, 1, "local-file", "show a file here with $PAGER"},
    {"lpwd", do_lpwd, false, 0, "", "show the directory here"},
    {"ls", do_ls, true, 0, "[--json] [remote-directory [local-file]]", "list a directory there"},
    {"mdelete", do_mdelete, true, 1, "remote-files", "remove files there"},
    {"mdir", do_mls, true, 2, "remote-directories local-file", "list directories there into a file"},
    {"mget", do_mget, true, 1, "remote-files", "fetch files"},
    {"mirror", do_mirror, true, 0, "[-Rcn] [-P n] [-x pattern] [--delete] [--dry-run] [from [to]]",
     "make a directory here as it is there, or with -R there"},
    {"mkdir", do_mkdir, true, 1, "remote-directory", "make a directory there"},
    {"mls", do_mls, true, 2, "remote-directories local-file", "list directories there into a file"},
    {"mlsd", do_mlsd, true, 0, "[remote-directory]", "list a directory there, for programs"},
    {"mlst", do_mlst, true, 0, "[remote-file]", "what the server knows of one file, for programs"},
    {"mode", do_fixed, false, 0, "[stream]", "the mode of transfers"},
    {"modtime", do_modtime, true, 1, "remote-file", "when a file there was changed"},
    {"more", do_page, true, 1, "remote-file", "show a file with $PAGER"},
    {"mput", do_mput, true, 1, "local-files", "store files"},
    {"mreget", do_mreget, true, 1, "remote-files", "fetch what is missing of files"},
    {"newer", do_newer, true, 1, "remote-file [local-file]", "fetch a file if it is newer than the one here"},
    {"nlist", do_nlist, true, 0, "[remote-directory [local-file]]", "list only names"},
    {"nmap", do_nmap, false, 0, "[in-pattern out-pattern]", "how names become those of the other side"},
    {"noop", do_noop, true, 0, "", "ask the server whether it is there"},
    {"ntrans", do_ntrans, false, 0, "[from [to]]", "which characters of names become which on the other side"},
    {"open", do_open, false, 1, "host [port]", "connect"},
    {"page", do_page, true, 1, "remote-file", "show a file with $PAGER"},
    {"passive", do_passive, false, 0, "[on|off|auto]", "who makes data connections: we (on), the server (off)"},
    {"pdir", do_list_pages, true, 0, "[remote-directory]", "list a directory there with $PAGER"},
    {"pls", do_list_pages, true, 0, "[remote-directory]", "list only names with $PAGER"},
    {"pmlsd", do_list_pages, true, 0, "[remote-directory]", "list a directory there, for programs, with $PAGER"},
    {"preserve", do_toggle, false, 0, "[on|off]", "give what is fetched the time it has there"},
    {"progress", do_toggle, false, 0, "[on|off]", "show on a terminal how a transfer goes"},
    {"prompt", do_toggle, false, 0, "[on|off]", "ask for each file of mget, mput, mdelete"},
    {"put", do_put, true, 1, "local-file [remote-file]", "store a file"},
    {"pwd", do_pwd, true, 0, "", "show the directory there"},
    {"quit", do_bye, false, 0, "", "close the connection and leave"},
    {"quote", do_quote, true, 1, "command ...", "send a command as it is"},
    {"rate", do_rate, false, 0, "[all|get|put] [bytes-per-second [increment]]", "how fast files may move; 0: no limit"},
    {"recv", do_get, true, 1, "remote-file [local-file]", "fetch a file"},
    {"reget", do_reget, true, 1, "remote-file [local-file]", "fetch what is missing of a file"},
    {"remopts", do_remopts, true, 1, "command [options]", "set options of a command of the server (OPTS)"},
    {"remotehelp", do_rhelp, true, 0, "[command]", "the server's help"},
    {"rename", do_rename, true, 2, "from to", "rename a file there"},
    {"reput", do_reput, true, 1, "local-file [remote-file]", "store what is missing of a file"},
    {"restart", do_restart, true, 1, "offset", "begin the next get or put there"},
    {"rhelp", do_rhelp, true, 0, "[command]", "the server's help"},
    {"rmdir", do_rmdir, true, 1, "remote-directory", "remove a directory there"},
    {"rstatus", do_rstatus, true, 0, "[remote-file]", "the server's status, or that of a file"},
    {"runique", do_toggle, false, 0, "[on|off]", "put a number behind names that are taken here"},
    {"send", do_put, true, 1, "local-file [remote-file]", "store a file"},
    {"site", do_site, true, 1, "command ...", "send a SITE command"},
    {"size", do_size, true, 1, "remote-file", "the size of a file there"},
    {"status", do_status, false, 0, "", "show the settings"},
    {"struct", do_fixed, false, 0, "[file]", "the structure of files"},
    {"sunique", do_toggle, false, 0, "[on|off]", "store under names that are not taken (STOU)"},
    {"system", do_system, true, 0, "", "what system the server is"},
    {"tenex", do_binary, false, 0, "", "files arrive as they are (TYPE I)"},
    {"throttle", do_rate, false, 0, "[all|get|put] [bytes-per-second [increment]]",
     "how fast files may move; 0: no limit"},
    {"trace", do_toggle, false, 0, "[on|off]", "show what is sent"},
    {"type", do_type, false, 0, "[ascii|binary]", "how files are transferred"},
    {"umask", do_umask, true, 0, "[mask]", "the permissions that new files there do not get"},
    {"usage", do_help, false, 1, "command", "how a command is used"},
    {"user", do_user, true, 1, "user [password [account]]", "log in"},
    {"verbose", do_toggle, false, 0, "[on|off]", "show the server's replies"},
};

std::span<const Row> rows() { return table; }

Found find_row(std::string_view name) {
    Found found;
    for (const Row& row : table) {
        if (row.name == name) return {&row, false};
        if (!row.name.starts_with(name)) continue;
        // two names of one thing (recv, get) are no two things
        found.ambiguous = found.ambiguous || (found.row != nullptr && found.row->run != row.run);
        if (found.row == nullptr) found.row = &row;
    }
    return found;
}

std::optional<Words> split_command(std::string_view line) {
    Words out;
    char quote = 0;
    bool inside = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote == 0 && (c == ' ' || c == '\t')) {
            inside = false;
            continue;
        }
        if (!inside) out.emplace_back();
        inside = true;
        if (c == '\\' && i + 1 < line.size() && quote != '\'') {
            out.back() += line[++i];
        } else if (quote != 0 ? c == quote : (c == '"' || c == '\'')) {
            quote = quote == 0 ? c : '\0';
        } else {
            out.back() += c;
        }
    }
    if (quote != 0) return std::nullopt;
    return out;
}

// "!ls" is "! ls"; what stands behind it is the shell's. "$name" is "$ name".
static std::optional<Words> words_of(std::string_view line) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return Words{};
    line.remove_prefix(begin);
    if (line[0] == '!') return Words{"!", std::string(line.substr(1))};
    auto words = split_command(line[0] == '$' ? line.substr(1) : line);
    if (words && line[0] == '$') words->insert(words->begin(), "$");
    return words;
}

// What is missing is asked for, as "(remote-file) ".
static bool complete(Client& client, const Row& row, Words& words) {
    while (words.size() - 1 < row.needed) {
        auto names = split_command(row.syntax).value_or(Words{});
        const std::size_t at = words.size() - 1;
        const auto answer = client.screen.ask("(" + (at < names.size() ? names[at] : "argument") + ") ");
        const auto more = answer ? split_command(*answer) : std::nullopt;
        if (!more || more->empty()) return false;
        words.insert(words.end(), more->begin(), more->end());
    }
    return true;
}

Exit run_line(Client& client, std::string_view line) {
    auto words = words_of(line);
    if (words && words->empty()) return Exit::ok;
    const Found found = words ? find_row(words->front()) : Found{};
    const char* trouble = !words                 ? "?A quote is open."
                          : found.ambiguous      ? "?Ambiguous command."
                          : found.row == nullptr ? "?Invalid command."
                                                 : nullptr;
    if (trouble == nullptr && found.row->connected && !client.server) trouble = "Not connected.";
    if (trouble != nullptr) return client.screen.trouble(trouble), Exit::usage;
    const Row& row = *found.row;
    words->front() = row.name;
    if (!complete(client, row, *words)) {
        client.screen.trouble("usage: " + std::string(row.name) + " " + std::string(row.syntax));
        return Exit::usage;
    }
    return row.run(client, *words);
}

} // namespace posada::ftp
