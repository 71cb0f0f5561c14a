// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/client.h"

#include "clients/ftp/handlers.h"
#include "clients/ftp/listing_json.h"
#include "clients/ftp/local_file.h"
#include "clients/ftp/netrc.h"
#include "clients/ftp/visible_text.h"

namespace posada::ftp {

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

Error about(const std::string& name, Error error) {
    error.text = name + ": " + error.text;
    return error;
}

Exit outcome(Client& client, const Result<Reply>& reply) {
    if (!reply) return fail(client, reply.error());
    if (reply->code == 421) client.server.reset();
    return reply->ok() ? Exit::ok : Exit::command;
}

Exit connect_as(Client& client, const std::string& host, const Login& login, const std::optional<io::Address>& at) {
    auto opened = open_server(host, client.settings, client.screen, at);
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

// To the file, or line by line to the screen.
static Status list_into(Client& client, const std::string& command, std::optional<LocalFile>& file, bool for_eyes) {
    std::string line;
    VisibleText filter;
    const auto take = [&](std::string_view text) -> Status {
        if (file) return file->write(for_eyes ? std::string_view(filter.convert(text)) : text);
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
    if (moved && file) return file->write(filter.finish());
    return moved ? Status{} : Status{moved.error()};
}

static Result<std::optional<LocalFile>> listing_file(const std::string& local) {
    if (local.empty()) return std::optional<LocalFile>{};
    auto opened = LocalFile::open(local, Named::by_user, false);
    if (!opened) return opened.error();
    return std::optional<LocalFile>(std::move(*opened));
}

Exit list(Client& client, const Words& commands, const std::string& local, bool for_eyes) {
    auto file = listing_file(local);
    if (!file) return fail(client, file.error());
    for (const std::string& command : commands) {
        const Status listed = list_into(client, command, *file, for_eyes);
        if (!listed && *file) (*file)->drop_if_empty();
        if (!listed) return fail(client, listed.error());
    }
    const Status kept = *file ? (*file)->commit() : Status{};
    return kept ? Exit::ok : fail(client, kept.error());
}

static Status write_lines(LocalFile& file, const Words& lines) {
    for (const std::string& line : lines) RETURN_IF_ERROR(file.write(line + "\n"));
    return file.commit();
}

Exit list_json(Client& client, const std::string& folder, const std::string& local) {
    auto listing = read_folder(client, folder);
    if (!listing) return fail(client, listing.error());
    for (const std::string& name : listing->refused) show_refused(client, name);
    const Words lines = json_lines(listing->entries);
    auto file = listing_file(local);
    if (!file) return fail(client, file.error());
    if (!*file)
        for (const std::string& line : lines) client.screen.line(line);
    const Status kept = *file ? write_lines(**file, lines) : Status{};
    if (!kept) return fail(client, kept.error());
    return listing->refused.empty() ? Exit::ok : Exit::command;
}

} // namespace posada::ftp
