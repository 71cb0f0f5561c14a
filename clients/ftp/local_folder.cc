// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/local_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace posada::ftp {

constexpr unsigned max_depth = 200; // of what is removed
constexpr mode_t folder_mode = 0777;

static Result<UniqueFd> open_folder(int at, const std::string& name, int flags) {
    UniqueFd fd(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags));
    if (!fd.valid()) return errno_error(name);
    return fd;
}

static Status make_folder(int at, const std::string& name) {
    if (::mkdirat(at, name.c_str(), folder_mode) == 0 || errno == EEXIST) return {};
    return errno_error(name);
}

Result<LocalFolder> LocalFolder::open(const std::string& path, bool make) {
    if (make) RETURN_IF_ERROR(make_folder(AT_FDCWD, path));
    auto fd = open_folder(AT_FDCWD, path, 0);
    if (!fd) return fd.error();
    return LocalFolder(std::move(*fd));
}

Result<LocalFolder> LocalFolder::enter(const std::string& name, bool make) const {
    if (make) RETURN_IF_ERROR(make_folder(fd_.get(), name));
    auto fd = open_folder(fd_.get(), name, O_NOFOLLOW);
    if (!fd) return fd.error();
    return LocalFolder(std::move(*fd));
}

static Kind kind_of(mode_t mode) {
    if (S_ISREG(mode)) return Kind::file;
    if (S_ISDIR(mode)) return Kind::directory;
    return S_ISLNK(mode) ? Kind::link : Kind::other;
}

std::optional<Entry> local_entry(int folder, const std::string& name) {
    struct stat info {};
    if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    Entry entry{name, kind_of(info.st_mode), {}, info.st_mtim.tv_sec, true, info.st_mode & 07777, ""};
    entry.size = static_cast<std::uint64_t>(info.st_size);
    return entry;
}

struct CloseDir {
    void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};
using OpenDir = std::unique_ptr<DIR, CloseDir>;

// A stream of its own: its position is not that of fd_.
static Result<OpenDir> open_stream(int fd) {
    auto copy = open_folder(fd, ".", 0);
    if (!copy) return copy.error();
    OpenDir dir(::fdopendir(copy->get()));
    if (!dir) return errno_error("a directory");
    (void)copy->release();
    return dir;
}

Result<Listing> LocalFolder::list() const {
    auto dir = open_stream(fd_.get());
    if (!dir) return dir.error();
    Listing out;
    for (errno = 0; const dirent* one = ::readdir(dir->get()); errno = 0) {
        const std::string name(one->d_name);
        if (name == "." || name == "..") continue;
        auto entry = local_entry(fd_.get(), name);
        if (entry && name.find_first_of("\r\n") == std::string::npos)
            out.entries.push_back(std::move(*entry));
        else if (entry)
            out.refused.push_back(name);
    }
    if (errno != 0) return errno_error("a directory");
    return out;
}

Result<UniqueFd> LocalFolder::open_file(const std::string& name) const {
    // O_NONBLOCK: a FIFO that has come in the place of a file is not waited for.
    UniqueFd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd.valid()) return errno_error(name);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return Error{Errc::invalid, 0, name + " is no file"};
    return fd;
}

Status LocalFolder::remove(const std::string& name, unsigned depth) const {
    if (::unlinkat(fd_.get(), name.c_str(), 0) == 0) return {};
    if (errno != EISDIR && errno != EPERM) return errno_error(name);
    if (depth >= max_depth) return Error{Errc::invalid, 0, name + " is too deep to be removed"};
    auto inside = enter(name, false);
    if (!inside) return inside.error();
    auto dir = open_stream(inside->fd());
    if (!dir) return dir.error();
    std::vector<std::string> names;
    while (const dirent* one = ::readdir(dir->get())) names.emplace_back(one->d_name);
    for (const std::string& each : names)
        if (each != "." && each != "..") RETURN_IF_ERROR(inside->remove(each, depth + 1));
    return ::unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR) == 0 ? Status{} : errno_error(name);
}

} // namespace posada::ftp
