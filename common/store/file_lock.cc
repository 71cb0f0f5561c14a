// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/file_lock.h"

#include <fcntl.h>
#include <unistd.h>

namespace posada::store {

bool try_lock_file(int fd) noexcept {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

} // namespace posada::store
