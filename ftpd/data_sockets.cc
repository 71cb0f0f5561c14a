// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/data_sockets.h"

#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>

namespace posada::ftpd {

namespace {

constexpr unsigned most_attempts = 32;

Result<std::uint16_t> random_port(const service::NumberRange& ports) {
    std::uint32_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random) return errno_error("random port");
    return static_cast<std::uint16_t>(ports.first + random % (ports.last - ports.first + 1));
}

Result<UniqueFd> tcp_socket(const io::Address& like) {
    UniqueFd out(::socket(like.sa()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!out.valid()) return errno_error("data socket");
    const int on = 1;
    if (::setsockopt(out.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return errno_error("SO_REUSEADDR");
    return out;
}

} // namespace

Result<BoundSocket> bind_for_data(const io::Address& local, const service::NumberRange& ports) {
    auto socket = tcp_socket(local);
    if (!socket) return socket.error();
    for (unsigned i = 0; i < most_attempts; ++i) {
        const auto port = random_port(ports);
        if (!port) return port.error();
        const auto at = io::Address::parse(local.ip(), *port);
        if (!at) return at.error();
        if (::bind(socket->get(), at->sa(), at->size()) == 0) return BoundSocket{std::move(*socket), *port};
        if (errno != EADDRINUSE) return errno_error("data socket");
    }
    return Error{Errc::busy, 0, "no port of passive_ports is free"};
}

Result<UniqueFd> connect_for_data(const io::Address& local, const io::Address& peer, std::uint16_t port,
                                  std::uint16_t from_port) {
    const auto from = io::Address::parse(local.ip(), from_port);
    const auto to = io::Address::parse(peer.ip(), port);
    if (!from) return from.error();
    if (!to) return to.error();
    auto socket = tcp_socket(*to);
    if (!socket) return socket;
    if (::bind(socket->get(), from->sa(), from->size()) != 0) return errno_error("data socket");
    if (::connect(socket->get(), to->sa(), to->size()) != 0 && errno != EINPROGRESS)
        return errno_error("data connection");
    return socket;
}

} // namespace posada::ftpd
