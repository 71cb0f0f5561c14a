// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/agent.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <memory>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/virtual_path.h"
#include "common/priv/serve.h"
#include "ftpd/stale_uploads.h"

namespace posada::ftpd {

namespace {

constexpr std::size_t most_message = 8 * 1024;

// An empty one if there is none: nobody needs a .message.
std::string read_message(const UniqueFd& directory) {
    const UniqueFd file(
        ::openat(directory.get(), ".message", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat st {};
    if (!file.valid() || ::fstat(file.get(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
    std::string out(most_message, '\0');
    const ssize_t n = ::pread(file.get(), out.data(), out.size(), 0);
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
}

Status done_or_error(int result, const std::string& path) {
    return result == 0 ? Status() : Status(file_error(path, errno));
}

} // namespace

void FileAgent::channel_ended() {
    if (upload_) (void)finish(std::move(*upload_), false);
    upload_.reset();
}

int FileAgent::serve(AgentTask task, priv::Channel channel) {
    ::umask(0); // modes come with the requests
    auto tree = Tree::open(task.top);
    if (!tree) {
        log(event::agent_error, {{"error", tree.error().describe()}});
        return 71;
    }
    FileAgent agent(std::move(task), std::move(*tree));
    const auto served = priv::serve_requests<AgentRequests>(channel, agent);
    agent.channel_ended();
    return priv::agent_status(served);
}

Result<Entered> FileAgent::on(const EnterRequest& request) {
    auto directory = tree_.open_file(request.path, O_PATH | O_DIRECTORY);
    if (!directory) return directory.error();
    if (::faccessat(directory->get(), ".", X_OK, AT_EACCESS) != 0) return file_error(request.path, errno);
    return Entered{read_message(*directory)};
}

// What is in an upload directory is between the sender and its owner.
Status FileAgent::may_see(const std::string& path) const {
    if (box_around(task_.boxes, path) == nullptr) return {};
    return Error{Errc::denied, 0, path + " is in an upload directory"};
}

Status FileAgent::may_change(const ChangeRequest& request) const {
    const Error denied{Errc::denied, 0, "nothing may be changed there"};
    const UploadBox* box = box_around(task_.boxes, request.path);
    if (box == nullptr && !box_around(task_.boxes, request.to))
        return task_.viewer.may_write ? Status() : Status(denied);
    const bool makes = request.change == Change::make_directory && box != nullptr && box->directories;
    return makes ? Status() : Status(denied);
}

// Of a link itself, as MLST wants it; size and time of what it leads to.
Result<LookAnswer> FileAgent::on(const LookRequest& request) {
    struct stat st {};
    const std::string_view inside = request.path;
    if (box_around(task_.boxes, parent_of(inside)) != nullptr) RETURN_IF_ERROR(may_see(request.path));
    auto file = tree_.open_file(request.path, O_PATH);
    if (!file) return file.error();
    if (::fstat(file->get(), &st) != 0) return file_error(request.path, errno);
    LookAnswer out{S_ISREG(st.st_mode), static_cast<std::uint64_t>(st.st_size), st.st_mtime, {}};
    if (request.facts == 0) return out;
    append_facts_line(out.line, entry_of(request.path, st), request.path, task_.viewer, request.facts);
    out.line.resize(out.line.size() - 2);
    return out;
}

Status FileAgent::on(const ChangeRequest& request) {
    RETURN_IF_ERROR(may_change(request));
    if (request.change == Change::rename) return rename(request.path, request.to);
    if (request.change == Change::set_mode) return set_mode(request.path, request.value);
    const auto place = tree_.place_of(request.path);
    if (!place) return place.error();
    const int directory = place->directory.get();
    const char* name = place->name.c_str();
    switch (request.change) {
    case Change::make_directory:
        return done_or_error(::mkdirat(directory, name, static_cast<mode_t>(request.value & 0777)), request.path);
    case Change::remove_directory: return remove_directory(*place);
    case Change::remove_file: return remove_file(*place);
    case Change::set_time: return set_time(request.path, request.value);
    case Change::rename:
    case Change::set_mode: break;
    }
    return {};
}

// What no listing shows does not keep it from being empty.
Status FileAgent::remove_directory(const Tree::Place& place) {
    const int parent = place.directory.get();
    const char* name = place.name.c_str();
    if (::unlinkat(parent, name, AT_REMOVEDIR) == 0) return {};
    if (errno != ENOTEMPTY) return file_error(place.name, errno);
    const UniqueFd directory(::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory.valid() || remove_stale_uploads(directory.get(), SystemClock().unix_now()) == 0)
        return file_error(place.name, ENOTEMPTY);
    return done_or_error(::unlinkat(parent, name, AT_REMOVEDIR), place.name);
}

Status FileAgent::remove_file(const Tree::Place& place) {
    const auto was = look_at(place);
    RETURN_IF_ERROR(done_or_error(::unlinkat(place.directory.get(), place.name.c_str(), 0), place.name));
    if (was && S_ISREG(was->st_mode)) quota_.grown(-static_cast<std::int64_t>(was->st_size));
    return {};
}

// What stands there is never replaced by it: that would be a removal that nobody asked for.
Status FileAgent::rename(const std::string& from, const std::string& to) {
    const auto old_place = tree_.place_of(from);
    if (!old_place) return old_place.error();
    const auto new_place = tree_.place_of(to);
    if (!new_place) return new_place.error();
    return done_or_error(::renameat2(old_place->directory.get(), old_place->name.c_str(), new_place->directory.get(),
                                     new_place->name.c_str(), RENAME_NOREPLACE),
                         to);
}

// Through a descriptor, so that no link can stand in between.
Status FileAgent::set_mode(const std::string& path, std::int64_t mode) {
    auto file = tree_.open_file(path, O_RDONLY);
    if (!file && file.error().code == Errc::denied) file = tree_.open_file(path, O_WRONLY);
    if (!file) return file.error();
    return done_or_error(::fchmod(file->get(), static_cast<mode_t>(mode & 0777)), path);
}

Status FileAgent::set_time(const std::string& path, std::int64_t time) {
    const auto place = tree_.place_behind_links(path);
    if (!place) return place.error();
    timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(time), 0}};
    return done_or_error(::utimensat(place->directory.get(), place->name.c_str(), times, AT_SYMLINK_NOFOLLOW), path);
}

Status FileAgent::on(const RoomRequest& request) {
    const auto largest = quota_.largest(0);
    if (!largest || *largest < request.octets) return Error{Errc::no_space, 0, "over quota"};
    auto top = tree_.open_file("/", O_RDONLY | O_DIRECTORY);
    if (!top) return top.error();
    struct statvfs space {};
    if (::fstatvfs(top->get(), &space) != 0) return file_error("/", errno);
    const std::uint64_t block = space.f_frsize == 0 ? 1 : space.f_frsize;
    if (request.octets / block >= space.f_bavail) return Error{Errc::no_space, 0, "no room"};
    return {};
}

Result<priv::Answered<ReadAnswer>> FileAgent::on(const ReadRequest& request) {
    RETURN_IF_ERROR(may_see(request.path));
    auto file = tree_.open_file(request.path, O_RDONLY);
    if (!file) return file.error();
    struct stat st {};
    if (::fstat(file->get(), &st) != 0) return file_error(request.path, errno);
    if (!S_ISREG(st.st_mode)) return Error{Errc::invalid, 0, request.path + ": not a plain file"};
    if (task_.public_only && (st.st_mode & S_IROTH) == 0)
        return Error{Errc::denied, 0, request.path + ": not for everybody"};
    priv::Answered<ReadAnswer> out{{static_cast<std::uint64_t>(st.st_size)}};
    out.fds.push_back(std::move(*file));
    return out;
}

// Into an upload directory goes what is new and whole.
Result<UploadPlan> FileAgent::plan_of(const WriteRequest& request) const {
    const UploadBox* box = box_around(task_.boxes, request.path);
    if (box == nullptr && !task_.viewer.may_write) return Error{Errc::denied, 0, "nothing may be changed"};
    UploadPlan plan{request.how, request.offset, static_cast<mode_t>(request.mode & 0777)};
    if (box == nullptr) return plan;
    if (request.how == Opening::append || request.offset != 0)
        return Error{Errc::denied, 0, request.path + ": files there are not gone on with"};
    plan.mode = box->mode;
    plan.only_new = true;
    return plan;
}

Result<priv::Answered<WriteAnswer>> FileAgent::on(const WriteRequest& request) {
    if (upload_) return Error{Errc::busy, 0, "another file is being written"};
    const auto plan = plan_of(request);
    if (!plan) return plan.error();
    auto upload = Upload::begin(tree_, request.path, *plan);
    if (!upload) return upload.error();
    const auto largest = quota_.largest(upload->before());
    auto descriptor = duplicate_fd(upload->fd());
    if (!largest || !descriptor || *largest < upload->start()) {
        upload->break_off(false);
        if (!largest || !descriptor) return largest ? descriptor.error() : largest.error();
        return Error{Errc::no_space, 0, "over quota"};
    }
    upload_.emplace(std::move(*upload));
    priv::Answered<WriteAnswer> out{{upload_->name(), upload_->start(), *largest - upload_->start()}};
    out.fds.push_back(std::move(*descriptor));
    out.afterwards = [this] { tidy_up(upload_->directory()); };
    return out;
}

// Once in a directory: it may be a large one.
void FileAgent::tidy_up(int directory) {
    struct stat st {};
    if (::fstat(directory, &st) != 0) return;
    const std::pair which(st.st_dev, st.st_ino);
    if (std::exchange(tidied_, which) != which) remove_stale_uploads(directory, SystemClock().unix_now());
}

Status FileAgent::on(const FinishRequest& request) {
    if (!upload_) return Error{Errc::invalid, 0, "nothing is being written"};
    Upload upload = std::move(*upload_);
    upload_.reset();
    return finish(std::move(upload), request.complete);
}

// The net process has been told how much may come, and is not relied upon.
Status FileAgent::finish(Upload upload, bool complete) {
    const std::uint64_t size = upload.octets();
    const auto largest = quota_.largest(upload.before());
    const bool over = !largest || size > *largest;
    if (over) upload.take_back();
    const bool keep = task_.partial_uploads == PartialUploads::keep && !over;
    Status done = over ? Status(Error{Errc::no_space, 0, "over quota"}) : Status();
    bool stays = false;
    if (complete && !over) {
        done = upload.complete(task_.sync);
        stays = done.ok();
    } else {
        stays = upload.break_off(keep) && !over;
    }
    if (stays) quota_.grown(static_cast<std::int64_t>(size) - static_cast<std::int64_t>(upload.before()));
    return done;
}

// The answer goes first: the lines are written while the other side reads them.
Result<priv::Answered<Nothing>> FileAgent::on(const ListRequest& request) {
    RETURN_IF_ERROR(may_see(request.path));
    auto writer = ListingWriter::open(tree_, request, task_.viewer);
    if (!writer) return writer.error();
    auto pipe = make_pipe();
    if (!pipe) return pipe.error();
    priv::Answered<Nothing> out;
    out.fds.push_back(std::move(pipe->first));
    const auto shared = std::make_shared<ListingWriter>(std::move(*writer));
    const auto into = std::make_shared<UniqueFd>(std::move(pipe->second));
    out.afterwards = [shared, into] { shared->write(into->get()); };
    return out;
}

} // namespace posada::ftpd
