// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/server.h"

#include <netdb.h>

#include "common/base/text.h"

namespace posada::ftp {

constexpr std::size_t max_ca_file = 1024 * 1024;

Status Server::set_type(char wanted, Show show) {
    if (wanted == type) return {};
    auto reply = control.command(std::string("TYPE ") + wanted, show);
    if (!reply) return reply.error();
    if (!reply->ok()) return refusal(*reply);
    type = wanted;
    return {};
}

static std::uint16_t port_of(const Settings& settings) {
    if (settings.port != 0) return settings.port;
    return settings.tls == TlsUse::implicit ? 990 : 21;
}

using Addresses = std::vector<io::Address>;

static Result<Addresses> resolve(const std::string& host, const Settings& settings) {
    addrinfo hints{};
    hints.ai_family = settings.family;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(port_of(settings));
    if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0)
        return Error{Errc::not_found, 0, host + ": " + ::gai_strerror(failed)};
    Addresses out;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next)
        out.push_back(io::Address::from_sockaddr(one->ai_addr, one->ai_addrlen));
    ::freeaddrinfo(found);
    return out;
}

static Result<std::pair<Wire, io::Address>> connect_any(const std::string& host, const Settings& settings,
                                                        const Screen& screen, const std::optional<io::Address>& only) {
    auto addresses = only ? Result<Addresses>(Addresses{*only}) : resolve(host, settings);
    if (!addresses) return addresses.error();
    Error last{Errc::not_found, 0, host + ": no address"};
    for (const io::Address& at : *addresses) {
        if (addresses->size() > 1 && settings.verbose) screen.line("Trying " + at.text() + " ...");
        auto wire = Wire::connect(at, settings.patience);
        if (wire) return std::pair(std::move(*wire), at);
        last = wire.error();
        last.text = at.text() + ": " + last.text;
        if (last.sys == EINTR) break;
    }
    return last;
}

static Result<std::shared_ptr<io::TlsContext>> client_context(const Settings& settings) {
    std::string authorities;
    if (!settings.ca_file.empty()) {
        auto read = read_file(settings.ca_file, max_ca_file);
        if (!read) return read.error();
        authorities = std::move(*read);
    }
    return io::TlsContext::make_client(authorities, settings.verify);
}

static Status encrypt(Server& server, const Settings& settings, const Screen& screen) {
    auto context = client_context(settings);
    if (!context) return context.error();
    Status done = server.control.start_tls(*context, server.host);
    if (!done) {
        Error error = done.error();
        if (error.code == Errc::denied) error.text += " (--ca FILE names who signed it, --insecure takes any)";
        if (error.sys != EINTR) error.code = Errc::corrupt; // never the same as "no connection": Exit::tls
        return error;
    }
    server.tls = std::move(*context);
    if (settings.verbose) screen.line("Using " + server.control.wire().describe_tls() + ".");
    return {};
}

// AUTH TLS, unless the settings or a server on this host make it unwanted. A server that refuses it stays in clear
// here; log_in() decides whether a password goes there.
static Status negotiate_tls(Server& server, const Settings& settings, const Screen& screen) {
    const bool wanted =
        settings.tls == TlsUse::required || (settings.tls == TlsUse::automatic && !server.peer.is_loopback());
    if (!wanted) return {};
    auto reply = server.control.command("AUTH TLS", Show::nothing);
    if (!reply) return reply.error();
    if (reply->code == 234) return encrypt(server, settings, screen);
    if (settings.tls == TlsUse::automatic && reply->code != 421) return {};
    return Error{Errc::corrupt, 0, "the server offers no TLS: " + reply->lines.back()};
}

Result<Server> open_server(const std::string& host, const Settings& settings, const Screen& screen,
                           const std::optional<io::Address>& at) {
    auto connected = connect_any(host, settings, screen, at);
    if (!connected) return connected.error();
    Server server(host, connected->second, Control(std::move(connected->first), screen, settings));
    if (settings.tls == TlsUse::implicit) RETURN_IF_ERROR(encrypt(server, settings, screen));
    if (settings.verbose) screen.line("Connected to " + host + ".");
    auto greeting = server.control.reply();
    while (greeting && greeting->code == 120) greeting = server.control.reply();
    if (!greeting) return greeting.error();
    if (!greeting->ok()) return Error{Errc::closed, 0, greeting->lines.back()};
    if (settings.tls != TlsUse::implicit) RETURN_IF_ERROR(negotiate_tls(server, settings, screen));
    return server;
}

} // namespace posada::ftp
