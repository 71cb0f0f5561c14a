// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/connect.h"

#include <sys/socket.h>

namespace posada::io {

Result<UniqueFd> begin_connect(const Address& to) {
    UniqueFd fd(::socket(to.sa()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return errno_error("cannot connect");
    if (::connect(fd.get(), to.sa(), to.size()) != 0 && errno != EINPROGRESS) return errno_error("cannot connect");
    return fd;
}

Status connect_result(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno_error("cannot connect");
    if (error != 0) return errno_error("cannot connect", error);
    return {};
}

} // namespace posada::io
