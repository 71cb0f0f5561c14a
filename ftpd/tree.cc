// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/tree.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "common/base/text.h"
#include "common/base/virtual_path.h"

namespace posada::ftpd {

namespace {

constexpr unsigned most_links = 8;

// The net process has resolved it; one that was taken over may send anything.
bool well_formed(std::string_view path) {
    if (path.empty() || path.front() != '/' || path.find('\0') != std::string_view::npos) return false;
    for (const std::string_view component : split(path.substr(1), '/'))
        if (component == ".." || component.starts_with(reserved_prefix)) return false;
    return true;
}

} // namespace

Error file_error(std::string_view path, int sys) {
    Error out = errno_error(std::string(path), sys);
    if (sys == EXDEV || sys == ELOOP) out.code = Errc::denied; // a link that leads out
    if (sys == EISDIR || sys == ENOTDIR || sys == EINVAL || sys == ENAMETOOLONG || sys == ENXIO)
        out.code = Errc::invalid;
    if (sys == ENOTEMPTY) out.code = Errc::exists;
    if (sys == EROFS) out.code = Errc::denied;
    if (sys == EFBIG) out.code = Errc::limit;
    return out;
}

Result<Tree> Tree::open(const std::string& top) {
    UniqueFd fd(::open(top.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) return errno_error(top);
    return Tree(std::move(fd));
}

Result<UniqueFd> Tree::open_file(std::string_view path, int flags, mode_t mode) const {
    if (!well_formed(path)) return Error{Errc::invalid, 0, "not a path of this tree"};
    const std::string below = path == "/" ? "." : std::string(path.substr(1));
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NOCTTY | O_NONBLOCK));
    how.mode = (flags & O_CREAT) != 0 ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const long fd = ::syscall(SYS_openat2, top_.get(), below.c_str(), &how, sizeof how);
    if (fd < 0) return file_error(path, errno);
    return UniqueFd(static_cast<int>(fd));
}

Result<Tree::Place> Tree::place_of(std::string_view path) const {
    if (!well_formed(path) || path == "/") return Error{Errc::invalid, 0, "not a name in this tree"};
    const std::string_view name = name_of(path);
    if (name.empty() || name == ".") return Error{Errc::invalid, 0, "not a name in this tree"};
    auto directory = open_file(parent_of(path), O_PATH | O_DIRECTORY);
    if (!directory) return directory.error();
    return Place{std::move(*directory), std::string(name)};
}

Result<Tree::Place> Tree::place_behind_links(std::string_view path) const {
    std::string at(path);
    for (unsigned i = 0; i < most_links; ++i) {
        auto place = place_of(at);
        if (!place) return place;
        std::array<char, max_path> target{};
        const ssize_t n = ::readlinkat(place->directory.get(), place->name.c_str(), target.data(), target.size() - 1);
        if (n < 0) return place; // no link, or nothing there
        const std::string_view leads(target.data(), static_cast<std::size_t>(n));
        if (leads.empty() || leads.front() == '/') return file_error(path, EXDEV);
        at = resolve_path(parent_of(at), leads).value_or("/");
    }
    return file_error(path, ELOOP);
}

Result<struct stat> look_at(const Tree::Place& place) {
    struct stat st {};
    if (::fstatat(place.directory.get(), place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
        return file_error(place.name, errno);
    return st;
}

} // namespace posada::ftpd
