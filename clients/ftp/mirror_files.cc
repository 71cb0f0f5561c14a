// SPDX-License-Identifier: BSD-2-Clause
// What is done with one file.
#include "clients/ftp/local_file.h"
#include "clients/ftp/mirror.h"
#include "common/base/time_val.h"

namespace posada::ftp {

Status Mirror::make_remote(const std::string& path) {
    const auto made = client_.server->control.command("MKD " + path);
    if (!made) return made.error();
    return made->ok() ? Status{} : Status{refusal(*made)};
}

Status Mirror::remove_remote(const std::string& path, const Entry& entry, unsigned depth) {
    const bool folder = entry.kind == Kind::directory;
    if (depth > max_mirror_depth) return Error{Errc::invalid, 0, "too deep to be deleted"};
    auto inside = folder ? read_folder(client_, path) : Result<Listing>(Listing{});
    if (!inside) return inside.error();
    for (const Entry& each : inside->entries) RETURN_IF_ERROR(remove_remote(path + "/" + each.name, each, depth + 1));
    const auto reply = client_.server->control.command((folder ? "RMD " : "DELE ") + path);
    if (!reply) return reply.error();
    return reply->ok() ? Status{} : Status{refusal(*reply)};
}

// A part that has the time of the file is of this version of it: keep() has seen to that.
static bool can_go_on(const Client& client, const LocalFolder& folder, const std::string& part, const Entry& source) {
    if (!client.server->has("REST") || !source.exact || !source.size) return false;
    const auto there = local_entry(folder.fd(), part);
    return there && there->kind == Kind::file && there->modified == source.modified && *there->size <= *source.size;
}

static void keep(LocalFile& file, const Entry& source) {
    if (source.exact && file.set_time(*source.modified))
        file.drop_if_empty();
    else
        file.drop();
}

Result<Moved> Mirror::fetch(Client& client, const Task& task) {
    Entry source = task.file.source;
    if (!source.exact && client.server->has("MDTM")) {
        source.modified = remote_time(client, task.path, Show::nothing);
        source.exact = source.modified.has_value();
    }
    const bool go_on = can_go_on(client, *task.local, task.part, source);
    auto file = LocalFile::open_in(task.local->fd(), source.name, task.part, go_on);
    if (!file) return file.error();
    Result<Moved> moved(Moved{});
    if (!go_on || file->offset() < *source.size) {
        const Request request{"RETR " + task.path, 'I', file->offset(), source.size.value_or(0)};
        moved = receive(*client.server, client.settings, client.screen, request,
                        [&](std::string_view text) { return file->write(text); });
    }
    if (!moved) return keep(*file, source), moved;
    if (source.exact) RETURN_IF_ERROR(file->set_time(*source.modified));
    RETURN_IF_ERROR(file->commit());
    return moved;
}

// What was written there after the last change here, and is shorter, is the beginning of it.
static std::uint64_t begun(const Plan::File& file) {
    const Entry& source = file.source;
    if (!file.target || !file.target->size || !file.target->exact || *file.target->size >= *source.size) return 0;
    return *file.target->modified >= *source.modified ? *file.target->size : 0;
}

Result<Moved> Mirror::store(Client& client, const Task& task) const {
    const Entry& source = task.file.source;
    const auto file = task.local->open_file(source.name);
    if (!file) return file.error();
    Request request{"STOR " + task.path, 'I', 0, 0};
    if (order_.resume && client.server->has("REST")) request.restart = begun(task.file);
    auto moved = store_from(client, file->get(), std::move(request));
    if (moved && client.server->has("MFMT"))
        (void)client.server->control.command("MFMT " + print_time_val(*source.modified) + " " + task.path,
                                             Show::nothing);
    return moved;
}

Exit Mirror::run_task(Client& client, const Task& task) {
    const auto moved = order_.reverse ? store(client, task) : fetch(client, task);
    if (!moved) return trouble(client, task.path, moved.error());
    ++moved_;
    octets_ += moved->octets;
    say((order_.reverse ? "stored " : "fetched ") + task.path);
    return Exit::ok;
}

} // namespace posada::ftp
