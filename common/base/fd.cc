// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace posada {

void UniqueFd::reset(int fd) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Status UniqueFd::close() {
    const int fd = release();
    if (fd >= 0 && ::close(fd) != 0) return errno_error("close");
    return {};
}

Result<std::pair<UniqueFd, UniqueFd>> make_seqpacket_pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) return errno_error("socketpair");
    return std::pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<std::pair<UniqueFd, UniqueFd>> make_pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) return errno_error("pipe2");
    return std::pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<UniqueFd> duplicate_fd(int fd) {
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return errno_error("F_DUPFD_CLOEXEC");
    return UniqueFd(copy);
}

static Status change_flag(int fd, int get, int set, int flag, bool on) {
    const int old = ::fcntl(fd, get);
    if (old < 0) return errno_error("fcntl");
    const int wanted = on ? (old | flag) : (old & ~flag);
    if (wanted != old && ::fcntl(fd, set, wanted) < 0) return errno_error("fcntl");
    return {};
}

Status set_nonblocking(int fd, bool on) { return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on); }
Status set_cloexec(int fd, bool on) { return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on); }

Status write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("write");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Result<std::string> read_all(int fd, std::size_t max_bytes) {
    std::string all;
    char chunk[16384];
    for (;;) {
        const ssize_t n = ::read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("read");
        if (n == 0) return all;
        all.append(chunk, static_cast<std::size_t>(n));
        if (all.size() > max_bytes) return Error{Errc::limit, 0, "larger than " + std::to_string(max_bytes) + " bytes"};
    }
}

Status read_range(int fd, std::uint64_t offset, char* into, std::size_t size) {
    while (size > 0) {
        const ssize_t n = ::pread(fd, into, size, static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("read");
        if (n == 0) return Error{Errc::corrupt, 0, "a file is shorter than it was said to be"};
        into += n;
        offset += static_cast<std::uint64_t>(n);
        size -= static_cast<std::size_t>(n);
    }
    return {};
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd.valid()) return errno_error(path);
    auto all = read_all(fd.get(), max_bytes);
    if (!all) return Error{all.error().code, all.error().sys, path + ": " + all.error().text};
    return all;
}

Result<UniqueFd> make_sealed_memfd(const char* name, std::string_view bytes) {
    UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd.valid()) return errno_error("memfd_create");
    RETURN_IF_ERROR(write_all(fd.get(), bytes));
    RETURN_IF_ERROR(seal_memfd(fd.get()));
    if (::lseek(fd.get(), 0, SEEK_SET) < 0) return errno_error("lseek");
    return fd;
}

Status seal_memfd(int fd) {
    constexpr int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    const int have = ::fcntl(fd, F_GET_SEALS);
    if (have >= 0 && (have & seals) == seals) return {};
    if (have < 0 || ::fcntl(fd, F_ADD_SEALS, seals) != 0)
        return Error{Errc::protocol, errno, "descriptor cannot be sealed"};
    return {};
}

void close_all_except(std::span<const int> keep) noexcept {
    std::vector<int> sorted(keep.begin(), keep.end());
    std::sort(sorted.begin(), sorted.end());
    unsigned first = 3;
    for (const int fd : sorted) {
        if (fd < 3) continue;
        const auto kept = static_cast<unsigned>(fd);
        if (kept > first) ::close_range(first, kept - 1, 0);
        first = kept + 1;
    }
    ::close_range(first, ~0U, 0);
}

} // namespace posada
