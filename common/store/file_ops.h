// SPDX-License-Identifier: BSD-2-Clause
// The system calls that change a mailbox or make a change durable, as one table of plain function pointers: production
// code passes system_file_ops(), the crash tests pass a table that records, fails or kills between two of them.
// Same arguments, results and errno as the calls they are named after.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::store {

struct FileOps {
    int (*open_at)(int directory, const char* name, int flags, mode_t mode);
    ssize_t (*write)(int fd, const void* bytes, std::size_t size);
    int (*fsync)(int fd);
    int (*syncfs)(int fd);
    int (*close)(int fd);
    int (*rename_at)(int from_directory, const char* from, int to_directory, const char* to);
    int (*unlink_at)(int directory, const char* name, int flags);
    int (*mkdir_at)(int directory, const char* name, mode_t mode);
};

const FileOps& system_file_ops() noexcept;

// write until all is written; EINTR and short writes are handled.
Status write_all(const FileOps& ops, int fd, std::string_view bytes);
// fsync with its verdict. A failed fsync is final: the kernel has dropped the pages, a second call would lie.
Status sync_file(const FileOps& ops, int fd, std::string_view what);

} // namespace posada::store
