// SPDX-License-Identifier: BSD-2-Clause
// The receiving end of sd_notify(3): datagrams, believed only for the process that the kernel says sent them.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "supervisor/supervisor.h"

namespace posada::supervisor {

Status Supervisor::open_notify_socket() {
    const std::string path = notify_path();
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path)
        return Error{Errc::invalid, 0, path + " is too long for a socket: choose a shorter run_dir"};
    std::memcpy(at.sun_path, path.c_str(), path.size() + 1);
    notify_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!notify_.valid()) return errno_error("socket");
    const int on = 1;
    if (::setsockopt(notify_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return errno_error("SO_PASSCRED");
    ::unlink(path.c_str());
    const mode_t old = ::umask(0177);
    const int bound = ::bind(notify_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
    ::umask(old);
    if (bound != 0) return errno_error("cannot bind " + path);
    notify_watch_ = std::make_unique<io::Watch>(loop_, notify_.get(), io::Interest::read,
                                                [this](io::Interest) { read_notifications(); });
    return {};
}

void Supervisor::read_notifications() {
    std::array<char, 4096> text{};
    for (;;) {
        alignas(cmsghdr) std::array<char, 256> control{};
        iovec part{text.data(), text.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t n = ::recvmsg(notify_.get(), &message, MSG_CMSG_CLOEXEC);
        if (n < 0) return;
        pid_t sender = -1;
        for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
            if (c->cmsg_level != SOL_SOCKET) continue;
            if (c->cmsg_type == SCM_CREDENTIALS) {
                ucred credentials{};
                std::memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
                sender = credentials.pid;
            } else if (c->cmsg_type == SCM_RIGHTS) { // FDSTORE is not offered: nothing may pile up here
                const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (std::size_t i = 0; i < count; ++i) {
                    int fd = -1;
                    std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                    ::close(fd);
                }
            }
        }
        if (sender > 0) handle_notification(sender, std::string_view(text.data(), static_cast<std::size_t>(n)));
    }
}

} // namespace posada::supervisor
