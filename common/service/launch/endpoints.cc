// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/endpoints.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "common/base/text.h"
#include "common/io/addr.h"

namespace posada::service {

namespace {

constexpr int first_listen_fd = 3; // sd_listen_fds(3)

Result<int> socket_option(int fd, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0) return errno_error("getsockopt");
    return value;
}

Result<EndpointKind> classify(int fd) {
    const auto type = socket_option(fd, SO_TYPE);
    if (!type) return type.error();
    if (*type != SOCK_STREAM)
        return Error{Errc::invalid, 0, "descriptor " + std::to_string(fd) + " is a socket of the wrong type"};
    const auto accepting = socket_option(fd, SO_ACCEPTCONN);
    if (!accepting) return accepting.error();
    return *accepting != 0 ? EndpointKind::listening : EndpointKind::connected;
}

std::string known_names(const std::vector<Listener>& listeners) {
    std::string names;
    for (const Listener& listener : listeners) names.append(names.empty() ? "" : ", ").append(listener.fd_name);
    return names;
}

Result<std::size_t> listener_named(std::string_view name, const std::vector<Listener>& listeners) {
    for (std::size_t i = 0; i < listeners.size(); ++i)
        if (listeners[i].name == name || listeners[i].fd_name == name) return i;
    return Error{Errc::invalid, 0,
                 "unknown listener '" + escape_for_log(name) + "'; configured are: " + known_names(listeners)};
}

// A socket without a name of ours: its local port tells which listener it is; else the first.
std::size_t listener_by_port(int fd, const std::vector<Listener>& listeners) {
    const auto local = io::Address::of_local(fd);
    for (std::size_t i = 0; local && i < listeners.size(); ++i)
        if (listeners[i].port == local->port()) return i;
    return 0;
}

// systemd names an accepted socket "connection", and a listening one without FileDescriptorName= after its unit:
// --listener tells what such a socket is, as it does for inetd; else its port.
bool is_named(std::string_view name) {
    return !name.empty() && name != "connection" && name != "unknown" && !name.ends_with(".socket");
}

Result<Endpoint> adopt(int fd, std::string_view name, const std::vector<Listener>& listeners) {
    auto kind = classify(fd);
    if (!kind) return kind.error();
    RETURN_IF_ERROR(set_cloexec(fd, true));
    if (*kind != EndpointKind::connected) RETURN_IF_ERROR(set_nonblocking(fd, true));
    std::size_t index = listener_by_port(fd, listeners);
    if (is_named(name)) {
        const auto named = listener_named(name, listeners);
        if (!named) return named.error();
        index = *named;
    }
    Endpoint endpoint;
    endpoint.fd.reset(fd);
    endpoint.kind = *kind;
    endpoint.listener = index;
    return endpoint;
}

std::string take_env(const char* name) {
    const char* value = ::getenv(name);
    std::string copy = value == nullptr ? "" : value;
    ::unsetenv(name);
    return copy;
}

Result<Launched> from_listen_fds(const LaunchOptions& options, std::uint64_t count, const std::string& names,
                                 const std::vector<Listener>& listeners) {
    Launched launched;
    const auto parts = split(names, ':');
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::string_view name = !names.empty() && i < parts.size() ? parts[i] : std::string_view();
        auto endpoint =
            adopt(first_listen_fd + static_cast<int>(i), is_named(name) ? name : options.listener, listeners);
        if (!endpoint) return endpoint.error();
        launched.endpoints.push_back(std::move(*endpoint));
    }
    launched.single = count == 1 && launched.endpoints[0].kind == EndpointKind::connected;
    return launched;
}

Result<Launched> from_inetd(const LaunchOptions& options, const std::vector<Listener>& listeners) {
    auto copy = duplicate_fd(STDIN_FILENO);
    if (!copy) return copy.error();
    auto endpoint = adopt(copy->release(), options.listener, listeners);
    if (!endpoint) return endpoint.error();
    Launched launched;
    launched.single = endpoint->kind == EndpointKind::connected;
    launched.endpoints.push_back(std::move(*endpoint));
    return launched;
}

Status bind_one(Launched& launched, const io::Address& at, std::size_t index) {
    auto fd = io::listen_tcp(at);
    if (!fd) return fd.error();
    Endpoint endpoint;
    endpoint.fd = std::move(*fd);
    endpoint.listener = index;
    launched.endpoints.push_back(std::move(endpoint));
    return {};
}

Result<Launched> from_command_line(const std::vector<std::string>& wanted, const std::vector<Listener>& listeners) {
    Launched launched;
    for (const std::string& text : wanted) {
        const std::size_t equals = text.find('=');
        std::size_t index = 0;
        if (equals != std::string::npos) {
            const auto named = listener_named(std::string_view(text).substr(0, equals), listeners);
            if (!named) return named.error();
            index = *named;
        }
        const auto at = io::Address::parse_with_port(
            equals == std::string::npos ? std::string_view(text) : std::string_view(text).substr(equals + 1));
        if (!at) return Error{Errc::invalid, 0, "--listen " + escape_for_log(text) + ": " + at.error().text};
        RETURN_IF_ERROR(bind_one(launched, *at, index));
    }
    return launched;
}

Result<Launched> from_configuration(const std::vector<Listener>& listeners) {
    Launched launched;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        for (const std::string& address : listeners[i].addresses) {
            const auto all = io::bind_addresses(address, listeners[i].port);
            if (!all) return all.error();
            for (const io::Address& at : *all) RETURN_IF_ERROR(bind_one(launched, at, i));
        }
    }
    if (launched.endpoints.empty()) return Error{Errc::invalid, 0, "no listener is configured"};
    return launched;
}

bool is_socket(int fd) { return socket_option(fd, SO_TYPE).ok(); }

} // namespace

Result<Launched> take_endpoints(const LaunchOptions& options, const std::vector<Listener>& listeners) {
    const auto pid = parse_uint(take_env("LISTEN_PID"));
    const auto count = parse_uint(take_env("LISTEN_FDS"));
    const std::string names = take_env("LISTEN_FDNAMES");
    if (!options.listen.empty()) return from_command_line(options.listen, listeners);
    if (pid == static_cast<std::uint64_t>(::getpid()) && count && *count > 0 && *count < 64)
        return from_listen_fds(options, *count, names, listeners);
    if (is_socket(STDIN_FILENO)) return from_inetd(options, listeners);
    return from_configuration(listeners);
}

void shield_client_from_stderr() {
    struct stat client {};
    if (::fstat(STDIN_FILENO, &client) != 0 || !S_ISSOCK(client.st_mode)) return;
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
        struct stat st {};
        const bool same = ::fstat(fd, &st) == 0 && st.st_ino == client.st_ino && st.st_dev == client.st_dev;
        if (same && null.valid()) ::dup2(null.get(), fd);
    }
}

} // namespace posada::service
