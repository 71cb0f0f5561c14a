// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/replace_file.h"

#include <fcntl.h>

namespace posada::store {

namespace {

constexpr mode_t owner_only = 0600;

Result<struct stat> put(const Maildir& maildir, const std::string& name, int flags, std::string_view content,
                        FileSync sync) {
    const FileOps& ops = maildir.ops();
    const int fd = ops.open_at(maildir.root(), name.c_str(), flags | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, owner_only);
    if (fd < 0) return errno_error(name);
    Status status = write_all(ops, fd, content);
    if (status && sync == FileSync::yes) status = sync_file(ops, fd, name);
    struct stat st {};
    if (status && ::fstat(fd, &st) != 0) status = errno_error(name);
    if (ops.close(fd) != 0 && status) status = errno_error("close " + name);
    if (!status) return std::move(status).error();
    return st;
}

} // namespace

Result<struct stat> replace_file(const Maildir& maildir, const std::string& name, std::string_view content,
                                 FileSync sync) {
    const FileOps& ops = maildir.ops();
    const std::string temporary = name + ".new";
    ops.unlink_at(maildir.root(), temporary.c_str(), 0); // of an attempt that died
    auto st = put(maildir, temporary, O_CREAT | O_EXCL, content, sync);
    if (st && ops.rename_at(maildir.root(), temporary.c_str(), maildir.root(), name.c_str()) != 0)
        st = errno_error("rename to " + name);
    if (!st) {
        ops.unlink_at(maildir.root(), temporary.c_str(), 0);
        return st;
    }
    if (sync == FileSync::yes) RETURN_IF_ERROR(sync_file(ops, maildir.root(), "mailbox"));
    return st;
}

Result<struct stat> append_file(const Maildir& maildir, const std::string& name, std::string_view content,
                                FileSync sync) {
    return put(maildir, name, O_APPEND, content, sync);
}

} // namespace posada::store
