// SPDX-License-Identifier: BSD-2-Clause
// One file, either way.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/ftp/client.h"
#include "clients/ftp/local_file.h"
#include "clients/ftp/visible_text.h"
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

static bool is_no_file(const Fetch& fetch) {
    return fetch.by_user && (fetch.local == "-" || fetch.local.starts_with("|"));
}

// Not between the octets of a file that goes to the standard output.
static void note(const Client& client, const Fetch& fetch, const std::string& text) {
    if (!client.settings.verbose) return;
    is_no_file(fetch) ? client.screen.trouble(text) : client.screen.line(text);
}

// Nothing where a rule of the user makes of a server's name one that leads elsewhere.
static std::string safe_path(const std::string& path) {
    for (const std::string_view part : split(path, '/'))
        if (!part.empty() && !is_plain_name(part)) return {};
    return path.ends_with('/') ? std::string() : path;
}

std::string local_name(const Settings& settings, const std::string& remote) {
    std::string name = safe_local_name(remote);
    if (settings.lower_case) name = lower_if_all_upper(name);
    return safe_path(map_name(settings.mapping, translate(settings.translation, name)));
}

std::string remote_name(const Settings& settings, const std::string& local) {
    return map_name(settings.mapping, translate(settings.translation, safe_local_name(local)));
}

// NAME, or NAME.1 ... if there is one; nothing when all are taken.
static std::string unique_name(const std::string& name) {
    constexpr int last = 99;
    if (::access(name.c_str(), F_OK) != 0) return name;
    for (int number = 1; number <= last; ++number)
        if (const std::string next = name + "." + std::to_string(number); ::access(next.c_str(), F_OK) != 0)
            return next;
    return {};
}

static Result<std::string> name_here(const Client& client, const Fetch& fetch) {
    std::string name = fetch.local.empty() ? local_name(client.settings, fetch.remote) : fetch.local;
    if (name.empty()) return Error{Errc::invalid, 0, "no local name for " + fetch.remote};
    if (!client.settings.runique || is_no_file(fetch) || fetch.resume || client.settings.restart != 0) return name;
    std::string free = unique_name(name);
    if (free.empty()) return Error{Errc::exists, 0, name + ": all names up to " + name + ".99 are taken"};
    return free;
}

static Result<LocalFile> open_local(Client& client, const Fetch& fetch, const std::string& local) {
    const std::uint64_t asked = std::exchange(client.settings.restart, 0);
    const bool resume = fetch.resume || asked != 0;
    if (resume && client.settings.type != 'I')
        return Error{Errc::invalid, 0, "going on in the middle of a file takes `binary`"};
    auto file = LocalFile::open(local, fetch.by_user ? Named::by_user : Named::by_server, resume);
    if (file && asked != 0) RETURN_IF_ERROR(file->cut(asked));
    return file;
}

// A server that does not say when leaves the file with the time of now.
static Status finish(Client& client, const Fetch& fetch, LocalFile& file, VisibleText& filter) {
    RETURN_IF_ERROR(file.write(filter.finish()));
    const bool dated = client.settings.preserve && !file.part().empty() && client.server->has("MDTM");
    const auto time = dated ? remote_time(client, fetch.remote, Show::nothing) : std::nullopt;
    if (time) RETURN_IF_ERROR(file.set_time(*time));
    return file.commit();
}

Exit fetch_file(Client& client, const Fetch& fetch) {
    const auto local = name_here(client, fetch);
    if (!local) return fail(client, local.error());
    note(client, fetch, "local: " + *local + " remote: " + fetch.remote);
    auto file = open_local(client, fetch, *local);
    if (!file) return fail(client, file.error());
    const Request request = retrieval(client, fetch, file->offset());
    const bool for_eyes = fetch.for_eyes || (is_no_file(fetch) && fetch.local == "-" && ::isatty(STDOUT_FILENO) == 1);
    VisibleText filter;
    const auto moved = receive(*client.server, client.settings, client.screen, request, [&](std::string_view text) {
        return file->write(for_eyes ? std::string_view(filter.convert(text)) : text);
    });
    if (!moved) {
        file->drop_if_empty();
        const Exit exit = fail(client, moved.error());
        if (!file->part().empty() && ::access(file->part().c_str(), F_OK) == 0)
            client.screen.trouble("ftp: what there is of it is in " + file->part() + "; reget goes on from there");
        return exit;
    }
    const Status kept = finish(client, fetch, *file, filter);
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
