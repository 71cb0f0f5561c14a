// SPDX-License-Identifier: BSD-2-Clause
// The client behind a proxy (PROXY protocol): the net process reads the header and tells the monitor who the client is.
// The monitor believes it when the connection comes from a network in the listener's proxy_from, once, before anything
// else; limits, throttle and logs then count the client and not the proxy.
#pragma once

#include "common/io/addr.h"
#include "common/priv/request_list.h"

namespace posada::service {

// The answer is a success, or Errc::limit: this client has too many connections.
struct ClientAddress {
    std::string ip;
    std::uint16_t port = 0;
    FIELDS(ip, port)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{
        .type = 10,
        .name = "client_address",
        .phases = priv::first_phase,
        .once = true,
        .max_bytes = 64,
        .meaning = "First of all requests: who the client behind a proxy is; only from a network in proxy_from."};

    static ClientAddress of(const io::Address& client) { return {client.ip(), client.port()}; }
    [[nodiscard]] Result<io::Address> address() const { return io::Address::parse(ip, port); }
};

} // namespace posada::service
