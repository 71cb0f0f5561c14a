// SPDX-License-Identifier: BSD-2-Clause
// The C library's file functions, as far as they change anything: done by the kernel, then told to the recorder. The
// program's own symbols come before the library's, also for SQLite.
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/recorder.h"

using namespace posada::crash;

namespace {

// The recorder's own calls must not disturb what the caller sees.
template <class F>
void report(F&& tell) {
    const int saved = errno;
    tell();
    errno = saved;
}

template <class... Where>
bool fails(Where... where) {
    int error = 0;
    report([&] { error = fault_of(where...); });
    if (error != 0) errno = error;
    return error != 0;
}

template <class... Where>
bool no_space(Where... where) {
    bool none = false;
    report([&] { none = disk_full(where...); });
    if (none) errno = ENOSPC;
    return none;
}

// Where the next write() goes.
off_t position_of(int fd) {
    struct stat st {};
    const bool appends = (::fcntl(fd, F_GETFL) & O_APPEND) != 0;
    return appends && ::fstat(fd, &st) == 0 ? st.st_size : ::lseek(fd, 0, SEEK_CUR);
}

bool is_there(int directory, const char* path) {
    struct stat st {};
    return ::syscall(SYS_newfstatat, directory, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int do_open(int directory, const char* path, int flags, mode_t mode) {
    const bool creates = recording() && (flags & O_CREAT) != 0 && !is_there(directory, path);
    if (creates && (fails(directory, path) || no_space(directory, path))) return -1;
    const int fd = static_cast<int>(::syscall(SYS_openat, directory, path, flags, mode));
    if (fd < 0 || !recording()) return fd;
    if (creates) report([&] { saw_create(directory, path, false); });
    if (!creates && (flags & O_TRUNC) != 0) report([&] { saw_truncate(fd, 0); });
    return fd;
}

mode_t mode_of(int flags, va_list arguments) { return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0; }

ssize_t do_pwrite(int fd, const void* bytes, size_t size, off_t offset) {
    if (fails(fd) || no_space(fd)) return -1;
    const ssize_t n = ::syscall(SYS_pwrite64, fd, bytes, size, offset);
    if (n > 0 && recording())
        report([&] {
            saw_write(fd, static_cast<std::uint64_t>(offset),
                      {static_cast<const char*>(bytes), static_cast<std::size_t>(n)});
        });
    return n;
}

int do_truncate(int fd, off_t size) {
    if (fails(fd)) return -1;
    const int rc = static_cast<int>(::syscall(SYS_ftruncate, fd, size));
    if (rc == 0 && recording()) report([&] { saw_truncate(fd, static_cast<std::uint64_t>(size)); });
    return rc;
}

int do_unlink(int directory, const char* path, int flags) {
    if (fails(directory, path)) return -1;
    const int rc = static_cast<int>(::syscall(SYS_unlinkat, directory, path, flags));
    if (rc == 0 && recording()) report([&] { saw_erase(directory, path); });
    return rc;
}

int do_rename(int from_directory, const char* from, int to_directory, const char* to) {
    if (fails(from_directory, from)) return -1;
    const int rc = static_cast<int>(::syscall(SYS_renameat, from_directory, from, to_directory, to));
    if (rc == 0 && recording()) report([&] { saw_rename(from_directory, from, to_directory, to); });
    return rc;
}

int do_mkdir(int directory, const char* path, mode_t mode) {
    if (fails(directory, path) || no_space(directory, path)) return -1;
    const int rc = static_cast<int>(::syscall(SYS_mkdirat, directory, path, mode));
    if (rc == 0 && recording()) report([&] { saw_create(directory, path, true); });
    return rc;
}

} // namespace

extern "C" {

int open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return do_open(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return do_open(AT_FDCWD, path, flags, mode);
}
int openat(int directory, const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return do_open(directory, path, flags, mode);
}
int openat64(int directory, const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return do_open(directory, path, flags, mode);
}
int __open_2(const char* path, int flags) { return do_open(AT_FDCWD, path, flags, 0); }
int __open64_2(const char* path, int flags) { return do_open(AT_FDCWD, path, flags, 0); }
int __openat_2(int directory, const char* path, int flags) { return do_open(directory, path, flags, 0); }
int __openat64_2(int directory, const char* path, int flags) { return do_open(directory, path, flags, 0); }

ssize_t write(int fd, const void* bytes, size_t size) {
    const off_t at = recording() ? position_of(fd) : 0;
    if (fails(fd) || no_space(fd)) return -1;
    const ssize_t n = ::syscall(SYS_write, fd, bytes, size);
    if (n > 0 && recording() && at >= 0)
        report([&] {
            saw_write(fd, static_cast<std::uint64_t>(at),
                      {static_cast<const char*>(bytes), static_cast<std::size_t>(n)});
        });
    return n;
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) { return do_pwrite(fd, bytes, size, offset); }
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) { return do_pwrite(fd, bytes, size, offset); }
int ftruncate(int fd, off_t size) noexcept { return do_truncate(fd, size); }
int ftruncate64(int fd, off64_t size) noexcept { return do_truncate(fd, size); }

int unlink(const char* path) noexcept { return do_unlink(AT_FDCWD, path, 0); }
int unlinkat(int directory, const char* path, int flags) noexcept { return do_unlink(directory, path, flags); }
int rmdir(const char* path) noexcept { return do_unlink(AT_FDCWD, path, AT_REMOVEDIR); }
int rename(const char* from, const char* to) noexcept { return do_rename(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
    return do_rename(from_directory, from, to_directory, to);
}
int mkdir(const char* path, mode_t mode) noexcept { return do_mkdir(AT_FDCWD, path, mode); }
int mkdirat(int directory, const char* path, mode_t mode) noexcept { return do_mkdir(directory, path, mode); }

int fsync(int fd) {
    if (fails(fd)) return -1;
    const int rc = static_cast<int>(::syscall(SYS_fsync, fd));
    if (rc == 0 && recording()) report([&] { saw_sync(fd); });
    return rc;
}
int fdatasync(int fd) {
    if (fails(fd)) return -1;
    const int rc = static_cast<int>(::syscall(SYS_fdatasync, fd));
    if (rc == 0 && recording()) report([&] { saw_sync(fd); });
    return rc;
}
int syncfs(int fd) noexcept {
    if (fails(fd)) return -1;
    const int rc = static_cast<int>(::syscall(SYS_syncfs, fd));
    if (rc == 0 && recording()) report([&] { saw_sync_all(fd); });
    return rc;
}

} // extern "C"
