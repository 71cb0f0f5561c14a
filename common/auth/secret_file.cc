// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/auth/scram.h"
#include "common/base/fd.h"

namespace posada::auth {

namespace {

constexpr std::size_t secret_size = 32;

Result<std::string> load(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) return errno_error(path);
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return errno_error(path);
    if (!S_ISREG(st.st_mode) || st.st_uid != ::geteuid() || (st.st_mode & 077) != 0)
        return Error{Errc::denied, 0, path + ": others may read or change it; delete it, a new one is made"};
    auto bytes = read_all(fd.get(), secret_size + 1);
    if (!bytes || bytes->size() != secret_size)
        return Error{Errc::corrupt, 0, path + ": 32 bytes are expected; delete it, a new one is made"};
    return bytes;
}

// link(2) gives the name only to a whole file, and only to the first.
Status make(const std::string& path) {
    const std::string temporary = path + "." + std::to_string(::getpid());
    UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return errno_error(temporary);
    Status status = write_all(fd.get(), random_bytes(secret_size));
    if (status && ::fsync(fd.get()) != 0) status = errno_error(temporary);
    if (status && ::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST) status = errno_error(path);
    ::unlink(temporary.c_str());
    return status;
}

} // namespace

Result<std::string> load_or_make_secret(const std::string& path) {
    auto first = load(path);
    if (first || first.error().code != Errc::not_found) return first;
    RETURN_IF_ERROR(make(path));
    return load(path);
}

} // namespace posada::auth
