// SPDX-License-Identifier: BSD-2-Clause
// Commands about files on the server, and what is sent to it as it is.
#include "clients/ftp/handlers.h"
#include "common/base/text.h"
#include "common/proto/ftp/quote.h"

namespace posada::ftp {

static Exit simple(Client& client, const std::string& command) {
    return outcome(client, client.server->control.command(command));
}

// The reply is what the user wants to see, in a script too.
static Exit question(Client& client, const std::string& command) {
    return outcome(client, client.server->control.command(command, Show::always));
}

static std::string joined(const Words& words, std::size_t first) {
    std::string out;
    for (std::size_t i = first; i < words.size(); ++i) out += (i == first ? "" : " ") + words[i];
    return out;
}

// "VERB", or "VERB argument" if there is one.
static std::string with_argument(const std::string& verb, const Words& words) {
    return words.size() > 1 ? verb + " " + joined(words, 1) : verb;
}

Exit do_cd(Client& client, const Words& words) { return simple(client, "CWD " + words[1]); }
Exit do_cdup(Client& client, const Words&) { return simple(client, "CDUP"); }
Exit do_delete(Client& client, const Words& words) { return simple(client, "DELE " + words[1]); }
Exit do_mkdir(Client& client, const Words& words) { return simple(client, "MKD " + words[1]); }
Exit do_rmdir(Client& client, const Words& words) { return simple(client, "RMD " + words[1]); }
Exit do_chmod(Client& client, const Words& words) { return simple(client, "SITE CHMOD " + words[1] + " " + words[2]); }
Exit do_umask(Client& client, const Words& words) { return question(client, with_argument("SITE UMASK", words)); }
Exit do_idle(Client& client, const Words& words) { return question(client, with_argument("SITE IDLE", words)); }
Exit do_site(Client& client, const Words& words) { return question(client, with_argument("SITE", words)); }
Exit do_account(Client& client, const Words& words) {
    const auto account = words.size() > 1 ? words[1] : client.screen.ask("Account: ", true).value_or("");
    return simple(client, "ACCT " + account);
}
Exit do_remopts(Client& client, const Words& words) { return question(client, with_argument("OPTS", words)); }
Exit do_rhelp(Client& client, const Words& words) { return question(client, with_argument("HELP", words)); }
Exit do_rstatus(Client& client, const Words& words) { return question(client, with_argument("STAT", words)); }
Exit do_mlst(Client& client, const Words& words) { return question(client, with_argument("MLST", words)); }
Exit do_system(Client& client, const Words&) { return question(client, "SYST"); }
Exit do_features(Client& client, const Words&) { return question(client, "FEAT"); }
Exit do_noop(Client& client, const Words&) { return simple(client, "NOOP"); }

// 1xx first, if the command moves data that nobody here waits for; the end of it is the answer.
Exit do_quote(Client& client, const Words& words) {
    auto reply = client.server->control.command(joined(words, 1), Show::always);
    while (reply && reply->kind() == 1) reply = client.server->control.reply(Show::always);
    if (reply && reply->kind() == 3) return Exit::ok;
    return outcome(client, reply);
}

Exit do_pwd(Client& client, const Words&) {
    const auto reply = client.server->control.command("PWD", Show::failure);
    if (!reply || !reply->ok()) return outcome(client, reply);
    const auto path = proto::ftp::unquote_path(reply->text());
    client.screen.line(path ? "Remote directory: " + *path : reply->lines.back());
    return Exit::ok;
}

Exit do_rename(Client& client, const Words& words) {
    const auto from = client.server->control.command("RNFR " + words[1]);
    if (!from) return fail(client, from.error());
    if (from->kind() != 3) return Exit::command;
    return simple(client, "RNTO " + words[2]);
}

Exit do_size(Client& client, const Words& words) {
    const Status set = client.server->set_type('I', Show::failure);
    if (!set) return fail(client, set.error());
    const auto reply = client.server->control.command("SIZE " + words[1], Show::failure);
    if (reply && reply->ok()) client.screen.line(words[1] + "\t" + std::string(trim(reply->text())));
    return outcome(client, reply);
}

// "213 20261123182533" as "2026-11-23 18:25:33 UTC".
Exit do_modtime(Client& client, const Words& words) {
    const auto reply = client.server->control.command("MDTM " + words[1], Show::failure);
    if (!reply || !reply->ok()) return outcome(client, reply);
    const std::string time(trim(reply->text()));
    if (time.size() < 14 || !parse_uint(time.substr(0, 14)))
        return fail(client, Error{Errc::invalid, 0, "no time: " + time});
    client.screen.line(words[1] + "\t" + time.substr(0, 4) + "-" + time.substr(4, 2) + "-" + time.substr(6, 2) + " " +
                       time.substr(8, 2) + ":" + time.substr(10, 2) + ":" + time.substr(12, 2) + " UTC");
    return Exit::ok;
}

} // namespace posada::ftp
