// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/child_descriptors.h"

#include <sys/socket.h>
#include <unistd.h>

namespace posada::service {

namespace {

constexpr std::size_t max_memfd = 16 * 1024 * 1024;

bool is_seqpacket(int fd) {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

} // namespace

bool has_child_descriptors() { return is_seqpacket(child_channel_fd) && is_seqpacket(child_log_fd); }

Result<std::string> read_memfd(const UniqueFd& fd) {
    if (::lseek(fd.get(), 0, SEEK_SET) < 0) return errno_error("lseek");
    return read_all(fd.get(), max_memfd);
}

} // namespace posada::service
