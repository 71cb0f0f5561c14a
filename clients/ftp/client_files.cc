// SPDX-License-Identifier: BSD-2-Clause
// One file, either way.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/ftp/client.h"
#include "clients/ftp/local_file.h"
#include "common/base/text.h"
#include "common/base/time_val.h"

namespace posada::ftp {

std::optional<std::uint64_t> remote_size(Client& client, const std::string& name) {
    if (!client.server->set_type('I', Show::nothing)) return std::nullopt;
    const auto reply = client.server->control.command("SIZE " + name, Show::nothing);
    if (!reply || reply->code != 213) return std::nullopt;
    return parse_uint(trim(reply->text()));
}

std::optional<UnixTime> remote_time(Client& client, const std::string& name, Show show) {
    const auto reply = client.server->control.command("MDTM " + name, show);
    if (!reply || reply->code != 213) return std::nullopt;
    return parse_time_val(trim(reply->text()));
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

Result<Moved> store_from(Client& client, int fd, Request request) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return errno_error("the file");
    if (S_ISDIR(info.st_mode)) return Error{Errc::invalid, 0, "a directory is no file"};
    if (S_ISREG(info.st_mode)) request.expected = static_cast<std::uint64_t>(info.st_size);
    if (request.restart != 0 && ::lseek(fd, static_cast<off_t>(request.restart), SEEK_SET) < 0)
        return errno_error("the file");
    return send(*client.server, client.settings, client.screen, request,
                [&](std::span<char> into) -> Result<std::size_t> {
                    const ssize_t got = ::read(fd, into.data(), into.size());
                    if (got < 0) return errno_error("the file");
                    return static_cast<std::size_t>(got);
                });
}

Exit store_file(Client& client, const std::string& local, const std::string& remote, Store how) {
    const UniqueFd file(local == "-" ? ::dup(STDIN_FILENO) : ::open(local.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail(client, errno_error(local));
    if (client.settings.verbose) client.screen.line("local: " + local + " remote: " + remote);
    Request request{storing(client, how) + remote, client.settings.type, std::exchange(client.settings.restart, 0), 0};
    if (how == Store::resume) request.restart = remote_size(client, remote).value_or(0);
    auto moved = store_from(client, file.get(), std::move(request));
    if (!moved) return fail(client, about(local, moved.error()));
    if (client.settings.verbose) client.screen.line(describe(*moved, "sent"));
    return Exit::ok;
}

} // namespace posada::ftp
