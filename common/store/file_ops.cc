// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/file_ops.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

namespace posada::store {

namespace {
int open_at(int directory, const char* name, int flags, mode_t mode) { return ::openat(directory, name, flags, mode); }
} // namespace

const FileOps& system_file_ops() noexcept {
    static constexpr FileOps ops{
        &open_at, &::write, &::fsync, &::syncfs, &::close, &::renameat, &::unlinkat, &::mkdirat,
    };
    return ops;
}

Status write_all(const FileOps& ops, int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ops.write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("write");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Status sync_file(const FileOps& ops, int fd, std::string_view what) {
    if (ops.fsync(fd) != 0) return errno_error("fsync " + std::string(what));
    return {};
}

} // namespace posada::store
