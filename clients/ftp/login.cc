// SPDX-License-Identifier: BSD-2-Clause
// log_in(): who the user is, and what the server is.
#include <unistd.h>

#include <cstdlib>

#include "clients/ftp/server.h"
#include "common/base/text.h"

namespace posada::ftp {

static std::string own_name() {
    const char* name = ::getenv("LOGNAME");
    if (name == nullptr || *name == '\0') name = ::getenv("USER");
    return name == nullptr ? "" : name;
}

static std::string asked_user(const Server& server, Screen& screen) {
    const std::string own = own_name();
    auto typed = screen.ask("Name (" + server.host + (own.empty() ? "" : ":" + own) + "): ");
    return typed && !typed->empty() ? *typed : own;
}

static bool is_anonymous(const std::string& user) { return user == "anonymous" || user == "ftp"; }

// A password in clear is for this host, for nobody in particular, or for who asked for it.
static Status may_send_password(const Server& server, const std::string& user, const Settings& settings) {
    if (server.tls || settings.tls == TlsUse::off || is_anonymous(user) || server.peer.is_loopback()) return {};
    return Error{Errc::corrupt, 0,
                 "the server offers no TLS, and the password would go in clear: --tls=off allows that"};
}

static Result<Reply> give_password(Server& server, Login& login, Screen& screen) {
    if (!login.password && is_anonymous(login.user)) login.password = own_name() + "@";
    if (!login.password) login.password = screen.ask("Password: ", true).value_or("");
    return server.control.command("PASS " + *login.password);
}

static Result<Reply> give_account(Server& server, Login& login, Screen& screen) {
    if (login.account.empty()) login.account = screen.ask("Account: ").value_or("");
    return server.control.command("ACCT " + login.account);
}

static Status identify(Server& server, Login login, const Settings& settings, Screen& screen) {
    if (settings.anonymous) login.user = "anonymous";
    if (login.user.empty()) login.user = asked_user(server, screen);
    RETURN_IF_ERROR(may_send_password(server, login.user, settings));
    auto reply = server.control.command("USER " + login.user);
    if (reply && reply->code == 331) reply = give_password(server, login, screen);
    if (reply && reply->code == 332) reply = give_account(server, login, screen);
    if (!reply) return reply.error();
    if (!reply->ok()) return Error{Errc::last_try, 0, "Login failed."};
    server.logged_in = true;
    server.login = std::move(login);
    return {};
}

static Status protect_data(Server& server) {
    if (!server.tls) return {};
    auto size = server.control.command("PBSZ 0", Show::nothing);
    if (!size) return size.error();
    auto level = server.control.command("PROT P", Show::nothing);
    if (!level) return level.error();
    if (!level->ok()) return Error{Errc::corrupt, 0, "the server does not protect data: " + level->lines.back()};
    server.private_data = true;
    return {};
}

static Status learn_features(Server& server) {
    auto reply = server.control.command("FEAT", Show::nothing);
    if (!reply) return reply.error();
    for (const std::string& line : reply->lines)
        if (reply->ok() && !line.empty() && line[0] == ' ')
            server.features.insert(ascii_upper(split_word(trim(line)).first));
    return {};
}

// "215 UNIX Type: L8": a server whose octets are ours moves files as they are.
static Status learn_system(Server& server, Settings& settings, const Screen& screen) {
    auto reply = server.control.command("SYST", Show::nothing);
    if (!reply) return reply.error();
    if (!reply->ok()) return {};
    const auto [name, rest] = split_word(reply->text());
    if (settings.verbose) screen.line("Remote system type is " + std::string(name) + ".");
    if (!iequals(name, "UNIX")) return {};
    settings.type = 'I';
    if (settings.verbose) screen.line("Using binary mode to transfer files.");
    return {};
}

Status log_in(Server& server, const Login& login, Settings& settings, Screen& screen) {
    RETURN_IF_ERROR(identify(server, login, settings, screen));
    RETURN_IF_ERROR(protect_data(server));
    RETURN_IF_ERROR(learn_features(server));
    return learn_system(server, settings, screen);
}

} // namespace posada::ftp
