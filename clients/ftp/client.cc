// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/client.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <unistd.h>

#include <cstdlib>

#include "clients/ftp/handlers.h"
#include "clients/ftp/local_file.h"
#include "clients/ftp/netrc.h"
#include "clients/ftp/transfer.h"
#include "common/base/text.h"

namespace posada::ftp {

constexpr std::size_t max_names = 64 * 1024 * 1024; // octets of one listing of names

Exit exit_of(const Error& error) {
    if (error.code == Errc::corrupt) return Exit::tls;
    if (error.code == Errc::last_try) return Exit::login;
    if (error.code == Errc::timeout || error.code == Errc::unavailable) return Exit::transfer_timeout;
    if (error.code == Errc::io) return Exit::transfer;
    if (error.code == Errc::closed || error.code == Errc::protocol || error.code == Errc::limit) return Exit::connect;
    return Exit::command;
}

Exit fail(Client& client, const Error& error) {
    const bool shown = error.code == Errc::denied && error.sys == 0;
    if (!shown) client.screen.trouble("ftp: " + error.describe());
    const bool ended = error.code == Errc::closed || error.code == Errc::protocol || error.code == Errc::limit ||
                       error.code == Errc::unavailable;
    if (ended && error.sys != EINTR) client.server.reset();
    forget_interrupt();
    return exit_of(error);
}

Exit outcome(Client& client, const Result<Reply>& reply) {
    if (!reply) return fail(client, reply.error());
    if (reply->code == 421) client.server.reset();
    return reply->ok() ? Exit::ok : Exit::command;
}

Exit connect_as(Client& client, const std::string& host, const Login& login) {
    auto opened = open_server(host, client.settings, client.screen);
    if (!opened) {
        const Exit exit = fail(client, opened.error());
        if (exit == Exit::tls) return exit;
        return opened.error().code == Errc::timeout ? Exit::connect_timeout : Exit::connect;
    }
    client.server.emplace(std::move(*opened));
    if (!client.settings.auto_login) return Exit::ok;
    const Status done = log_in(*client.server, login, client.settings, client.screen);
    if (done) return Exit::ok;
    const Exit exit = fail(client, done.error());
    if (exit == Exit::tls) client.server.reset();
    return exit;
}

// The macro of this name runs when a login has worked.
constexpr const char* init_macro = "init";

Exit connect_to(Client& client, const std::string& host) {
    Login login = client.login;
    client.macros.clear();
    if (const Status known = client.settings.auto_login ? add_netrc(login, host, &client.macros) : Status{}; !known)
        return fail(client, known.error());
    const Exit exit = connect_as(client, host, login);
    if (exit != Exit::ok || client.macros.count(init_macro) == 0) return exit;
    return run_line(client, std::string("$") + init_macro);
}

void disconnect(Client& client) {
    if (!client.server) return;
    (void)client.server->control.command("QUIT");
    client.server.reset();
}

std::optional<std::uint64_t> remote_size(Client& client, const std::string& name) {
    if (!client.server->set_type('I', Show::nothing)) return std::nullopt;
    const auto reply = client.server->control.command("SIZE " + name, Show::nothing);
    if (!reply || reply->code != 213) return std::nullopt;
    return parse_uint(trim(reply->text()));
}

// To the file, or line by line to the screen.
static Status list_into(Client& client, const std::string& command, std::optional<LocalFile>& file) {
    std::string line;
    const auto take = [&](std::string_view text) -> Status {
        if (file) return file->write(text);
        for (; !text.empty();) {
            const std::size_t end = text.find('\n');
            line.append(text.substr(0, end));
            if (line.size() > max_reply_line) return Error{Errc::io, 0, "the listing has an endless line"};
            if (end == std::string_view::npos) break;
            if (!line.empty() && line.back() == '\r') line.pop_back();
            client.screen.line(std::exchange(line, {}));
            text.remove_prefix(end + 1);
        }
        return {};
    };
    const auto moved = receive(*client.server, client.settings, client.screen, Request{command, 'A', 0, 0}, take);
    if (!line.empty()) client.screen.line(line);
    return moved ? Status{} : Status{moved.error()};
}

Exit list(Client& client, const Words& commands, const std::string& local) {
    std::optional<LocalFile> file;
    if (!local.empty()) {
        auto opened = LocalFile::open(local, Named::by_user, false);
        if (!opened) return fail(client, opened.error());
        file.emplace(std::move(*opened));
    }
    for (const std::string& command : commands) {
        const Status listed = list_into(client, command, file);
        if (!listed && file) file->drop_if_empty();
        if (!listed) return fail(client, listed.error());
    }
    const Status kept = file ? file->commit() : Status{};
    return kept ? Exit::ok : fail(client, kept.error());
}

static Result<std::string> names_in(Client& client, const std::string& folder) {
    std::string out;
    const auto take = [&](std::string_view text) -> Status {
        out += text;
        return out.size() <= max_names ? Status{} : Status{Error{Errc::io, 0, "the listing does not end"}};
    };
    const std::string command = folder.empty() ? "NLST" : "NLST " + folder;
    const bool verbose = std::exchange(client.settings.verbose, false);
    const auto moved = receive(*client.server, client.settings, client.screen, Request{command, 'A', 0, 0}, take);
    client.settings.verbose = verbose;
    if (!moved) return moved.error();
    return out;
}

// The server is asked for the names of one folder, and the pattern is matched here: so a name that leads out of it, or
// one that nobody asked for, is never taken, whatever the server says.
static Status expand(Client& client, const std::string& pattern, Words& out) {
    const std::size_t slash = pattern.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : pattern.substr(0, slash + 1);
    const std::string last = slash == std::string::npos ? pattern : pattern.substr(slash + 1);
    auto listing = names_in(client, folder);
    if (!listing) return listing.error();
    for (std::string_view name : split(*listing, '\n')) {
        if (name.ends_with('\r')) name.remove_suffix(1);
        if (!folder.empty() && name.starts_with(folder)) name.remove_prefix(folder.size());
        if (name.starts_with("./")) name.remove_prefix(2);
        if (name.empty()) continue;
        const bool elsewhere = name.find('/') != std::string_view::npos || safe_local_name(name).empty();
        if (elsewhere) client.screen.trouble("ftp: refused the name " + std::string(name));
        if (!elsewhere && ::fnmatch(last.c_str(), std::string(name).c_str(), FNM_PERIOD) == 0)
            out.push_back(folder + std::string(name));
    }
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

static Request retrieval(Client& client, const Fetch& fetch, std::uint64_t restart) {
    Request request{"RETR " + fetch.remote, client.settings.type, restart, 0};
    if (request.type == 'I') request.expected = remote_size(client, fetch.remote).value_or(0);
    return request;
}

// Not between the octets of a file that goes to the standard output.
static void note(const Client& client, const Fetch& fetch, const std::string& text) {
    const bool beside = fetch.by_user && (fetch.local == "-" || fetch.local.starts_with("|"));
    if (!client.settings.verbose) return;
    beside ? client.screen.trouble(text) : client.screen.line(text);
}

Exit fetch_file(Client& client, const Fetch& fetch) {
    const std::string local = fetch.local.empty() ? safe_local_name(fetch.remote) : fetch.local;
    if (local.empty()) return fail(client, Error{Errc::invalid, 0, "no local name for " + fetch.remote});
    note(client, fetch, "local: " + local + " remote: " + fetch.remote);
    const std::uint64_t asked = std::exchange(client.settings.restart, 0);
    const bool resume = fetch.resume || asked != 0;
    if (resume && client.settings.type != 'I')
        return fail(client, Error{Errc::invalid, 0, "going on in the middle of a file takes `binary`"});
    auto file = LocalFile::open(local, fetch.by_user ? Named::by_user : Named::by_server, resume);
    if (!file) return fail(client, file.error());
    if (const Status cut = asked == 0 ? Status{} : file->cut(asked); !cut) return fail(client, cut.error());
    const Request request = retrieval(client, fetch, file->offset());
    const auto moved = receive(*client.server, client.settings, client.screen, request,
                               [&](std::string_view text) { return file->write(text); });
    if (!moved) {
        file->drop_if_empty();
        const Exit exit = fail(client, moved.error());
        if (!file->part().empty() && ::access(file->part().c_str(), F_OK) == 0)
            client.screen.trouble("ftp: what there is of it is in " + file->part() + "; reget goes on from there");
        return exit;
    }
    const Status kept = file->commit();
    if (!kept) return fail(client, kept.error());
    note(client, fetch, describe(*moved, "received"));
    return Exit::ok;
}

static const char* storing(const Client& client, Store how) {
    if (how == Store::append) return "APPE ";
    return client.settings.sunique && how == Store::replace ? "STOU " : "STOR ";
}

Exit store_file(Client& client, const std::string& local, const std::string& remote, Store how) {
    const UniqueFd file(local == "-" ? ::dup(STDIN_FILENO) : ::open(local.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail(client, errno_error(local));
    if (client.settings.verbose) client.screen.line("local: " + local + " remote: " + remote);
    Request request{storing(client, how) + remote, client.settings.type, std::exchange(client.settings.restart, 0), 0};
    if (how == Store::resume) request.restart = remote_size(client, remote).value_or(0);
    if (request.restart != 0 && ::lseek(file.get(), static_cast<off_t>(request.restart), SEEK_SET) < 0)
        return fail(client, errno_error(local));
    const auto give = [&](std::span<char> into) -> Result<std::size_t> {
        const ssize_t got = ::read(file.get(), into.data(), into.size());
        if (got < 0) return errno_error(local);
        return static_cast<std::size_t>(got);
    };
    const auto moved = send(*client.server, client.settings, client.screen, request, give);
    if (!moved) return fail(client, moved.error());
    if (client.settings.verbose) client.screen.line(describe(*moved, "sent"));
    return Exit::ok;
}

} // namespace posada::ftp
