// SPDX-License-Identifier: BSD-2-Clause
#include "supervisor/control.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace posada::supervisor {

namespace {

constexpr std::size_t max_request = 4096;
constexpr std::size_t max_clients = 32;
constexpr Millis client_patience{5'000};

Result<UniqueFd> listen_stream(const std::string& path) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path)
        return Error{Errc::invalid, 0, path + " is too long for a socket: choose a shorter run_dir"};
    std::memcpy(at.sun_path, path.c_str(), path.size() + 1);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) return errno_error("socket");
    ::unlink(path.c_str());
    const mode_t old = ::umask(0117);
    const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
    ::umask(old);
    if (bound != 0) return errno_error("cannot bind " + path);
    if (::listen(fd.get(), 16) != 0) return errno_error("cannot listen on " + path);
    return fd;
}

void give_to_administrators(const std::string& path) {
    if (::geteuid() != 0) return;
    const group* administrators = ::getgrnam("posada-adm");
    if (administrators != nullptr && ::chown(path.c_str(), 0, administrators->gr_gid) != 0) ::chmod(path.c_str(), 0600);
}

} // namespace

struct ControlSocket::Client {
    UniqueFd fd;
    std::string input;
    std::unique_ptr<io::Watch> watch;
    std::unique_ptr<io::Timer> timer;
};

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(io::Loop& loop, const std::string& path,
                                                           std::function<std::string(std::string_view)> answer) {
    auto listener = listen_stream(path);
    if (!listener) return listener.error();
    give_to_administrators(path);
    return std::unique_ptr<ControlSocket>(new ControlSocket(loop, std::move(*listener), path, std::move(answer)));
}

ControlSocket::ControlSocket(io::Loop& loop, UniqueFd listener, std::string path,
                             std::function<std::string(std::string_view)> answer)
    : loop_(loop), listener_(std::move(listener)), path_(std::move(path)), answer_(std::move(answer)),
      watch_(loop, listener_.get(), io::Interest::read, [this](io::Interest) { accept_client(); }) {}

ControlSocket::~ControlSocket() { ::unlink(path_.c_str()); }

void ControlSocket::accept_client() {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid() || clients_.size() >= max_clients) return;
    auto owned = std::make_unique<Client>();
    Client& client = *owned;
    client.fd = std::move(fd);
    client.watch = std::make_unique<io::Watch>(loop_, client.fd.get(), io::Interest::read,
                                               [this, &client](io::Interest) { read_client(client); });
    client.timer = std::make_unique<io::Timer>(loop_, [this, &client] { drop(client); });
    client.timer->start(client_patience);
    clients_.push_back(std::move(owned));
}

// An answer is a few kilobytes: it fits the socket buffer, and who does not read it loses it.
void ControlSocket::read_client(Client& client) {
    std::array<char, 1024> buffer{};
    const ssize_t n = ::recv(client.fd.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0 || client.input.size() + static_cast<std::size_t>(n) > max_request) return drop(client);
    client.input.append(buffer.data(), static_cast<std::size_t>(n));
    const std::size_t end = client.input.find('\n');
    if (end == std::string::npos) return;
    const std::string reply = answer_(std::string_view(client.input).substr(0, end)) + "\n";
    [[maybe_unused]] const ssize_t sent = ::send(client.fd.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
    drop(client);
}

void ControlSocket::drop(Client& client) {
    loop_.defer([this, gone = &client] {
        clients_.erase(
            std::remove_if(clients_.begin(), clients_.end(), [gone](const auto& c) { return c.get() == gone; }),
            clients_.end());
    });
    client.watch->set(io::Interest::none);
    client.timer->cancel();
}

} // namespace posada::supervisor
