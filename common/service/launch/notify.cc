// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/base/fd.h"

namespace posada::service {

void notify_manager(std::string_view state) noexcept {
    const char* path = ::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
    const std::size_t length = std::strlen(path);
    if (length >= sizeof address.sun_path) return;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = '\0'; // abstract namespace
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    if (fd.valid() && ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&address), size) < 0)
        return;
}

std::string status_text(std::string_view what, const Error& error) {
    const std::string all = error.describe();
    return std::string("STATUS=").append(what).append(all, 0, all.find('\n'));
}

void notify_ready_fd(int fd) noexcept {
    if (fd < 0) return;
    const UniqueFd ready(fd);
    if (::write(ready.get(), "\n", 1) < 0) return;
}

} // namespace posada::service
