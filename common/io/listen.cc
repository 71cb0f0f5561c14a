// SPDX-License-Identifier: BSD-2-Clause
// Sockets of the launchers and tools: what addr.h declares below the Address itself.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "common/io/addr.h"

namespace posada::io {
namespace {

Status set_option(int fd, int level, int option) {
    const int on = 1;
    if (setsockopt(fd, level, option, &on, sizeof on) != 0) return errno_error("setsockopt");
    return {};
}

Result<sockaddr_un> unix_address(const std::string& path) {
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof out.sun_path)
        return Error{Errc::invalid, 0,
                     "socket path \"" + path + "\" must have 1 to " + std::to_string(sizeof out.sun_path - 1) +
                         " bytes; choose a shorter directory"};
    std::memcpy(out.sun_path, path.data(), path.size());
    return out;
}

// Only a socket nobody listens on is removed: never a file, never a living service.
Status remove_stale_socket(const std::string& path) {
    struct stat st {};
    if (lstat(path.c_str(), &st) != 0) return errno == ENOENT ? Status() : errno_error(path);
    if (!S_ISSOCK(st.st_mode)) return Error{Errc::exists, 0, path + " exists and is not a socket"};
    const auto alive = connect_unix_seqpacket(path);
    if (alive) return Error{Errc::busy, 0, path + " is in use: another process listens there"};
    if (alive.error().sys != ECONNREFUSED && alive.error().sys != EPROTOTYPE) return alive.error();
    if (alive.error().sys == EPROTOTYPE) return Error{Errc::busy, 0, path + " is in use by another kind of socket"};
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(path);
    return {};
}

// What an administrator can do about a bind() that failed.
std::string bind_remedy(const Address& at, int sys) {
    const std::string port = std::to_string(at.port());
    if (sys == EADDRINUSE) return " (another program has this port; to see which: ss -ltnp 'sport = :" + port + "')";
    if (sys == EADDRNOTAVAIL) return " (this machine does not have this address; to see which it has: ip address)";
    if (sys == EACCES)
        return " (low ports need root: start as root, or through systemd or inetd, or take another port)";
    return "";
}

} // namespace

Result<std::vector<Address>> bind_addresses(std::string_view address, std::uint16_t port) {
    const bool all = address == "*";
    auto first = Address::parse(all ? "0.0.0.0" : address, port);
    if (!first) return first.error();
    std::vector<Address> out{*first};
    const UniqueFd ipv6(all ? socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1);
    if (ipv6.valid()) out.push_back(*Address::parse("::", port));
    return out;
}

Result<UniqueFd> listen_tcp(const Address& at, int backlog) {
    UniqueFd fd(socket(at.sa()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return errno_error("socket for " + at.text());
    RETURN_IF_ERROR(set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR));
    if (at.is_ipv6()) RETURN_IF_ERROR(set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY));
    const bool listens = bind(fd.get(), at.sa(), at.size()) == 0 && listen(fd.get(), backlog) == 0;
    const int sys = errno;
    if (!listens) return errno_error("cannot listen on " + at.text() + bind_remedy(at, sys), sys);
    return fd;
}

Result<UniqueFd> listen_unix_seqpacket(const std::string& path, mode_t mode) {
    auto address = unix_address(path);
    if (!address) return address.error();
    RETURN_IF_ERROR(remove_stale_socket(path));
    UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return errno_error("socket");
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
        return errno_error("cannot bind " + path);
    // Nobody can connect before listen(), so the mode is right from the first connection on.
    if (chmod(path.c_str(), mode) != 0) return errno_error("chmod " + path);
    if (listen(fd.get(), 128) != 0) return errno_error("cannot listen on " + path);
    return fd;
}

Result<UniqueFd> connect_unix_seqpacket(const std::string& path) {
    auto address = unix_address(path);
    if (!address) return address.error();
    UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return errno_error("socket");
    int rc = 0;
    do rc = connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
    while (rc != 0 && errno == EINTR);
    if (rc != 0) return errno_error("cannot connect to " + path);
    return fd;
}

} // namespace posada::io
