// SPDX-License-Identifier: BSD-2-Clause
// An endpoint is what a daemon was given to serve, whichever way it was started; common/service/launch makes the list.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/io/addr.h"

namespace posada::service {

enum class TlsMode : std::uint8_t { none, starttls, implicit, legacy }; // legacy = starttls with the old profile
constexpr TlsMode last_value(TlsMode) { return TlsMode::legacy; }
enum class PlaintextAuth : std::uint8_t { never, loopback, private_networks, any };
constexpr PlaintextAuth last_value(PlaintextAuth) { return PlaintextAuth::any; }

// A configured listener: [[pop3d.listen]]. Travels to the net process in the configuration dump.
struct Listener {
    std::string name;                   // "pop3", "pop3s", "smtp", "submission"
    std::vector<std::string> addresses; // numeric IPs to bind; "*" = all
    std::uint16_t port = 0;
    TlsMode tls = TlsMode::starttls; // offered where a certificate is configured
    bool auth = false;               // SMTP: AUTH offered here
    PlaintextAuth plaintext_auth = PlaintextAuth::loopback;
    bool trusted = false;                // SMTP: bare LF is taken
    std::string fd_name;                 // LISTEN_FDNAMES name; defaults to name
    std::vector<io::Network> proxy_from; // connections from here start with a PROXY header
    Millis proxy_timeout{5'000};         // for that header to come
};

// An entry of a daemon's built-in list: on every address.
inline Listener make_listener(std::string name, std::uint16_t port, TlsMode tls) {
    Listener out;
    out.name = out.fd_name = std::move(name);
    out.addresses = {"*"};
    out.port = port;
    out.tls = tls;
    return out;
}

enum class EndpointKind : std::uint8_t { listening, connected };

struct Endpoint {
    UniqueFd fd;
    EndpointKind kind = EndpointKind::listening;
    std::size_t listener = 0; // index into the daemon's listener list
};

} // namespace posada::service
