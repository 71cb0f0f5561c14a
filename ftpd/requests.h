// SPDX-License-Identifier: BSD-2-Clause
// What the net program of ftpd may ask its monitor: the logins of every daemon, and sockets for data connections, whose
// other end is always the client itself: no request names an address.
#pragma once

#include <cstdint>
#include <vector>

#include "common/service/login_protocol.h"

namespace posada::ftpd {

constexpr std::uint8_t most_data_ports = 4; // that a session has in advance

struct DataPorts {
    std::vector<std::uint16_t> ports; // of the sockets, in their order
    FIELDS(ports)
};
struct DataListen {
    std::uint8_t count = 1;
    FIELDS(count)
    using Answer = DataPorts;
    static constexpr priv::RequestInfo row{
        .type = priv::first_daemon_request,
        .name = "data_listen",
        .phases = service::after_login,
        .fds_out = most_data_ports,
        .meaning = "Up to four sockets to listen on, bound where the client connected to, on random ports of "
                   "passive_ports. Nobody reaches them before the net process listens."};
};

// The connection may still be on its way when the answer comes.
struct DataConnect {
    std::uint16_t port = 0; // at least 1024
    FIELDS(port)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{
        .type = DataListen::row.type + 2,
        .name = "data_connect",
        .phases = service::after_login,
        .fds_out = 1,
        .meaning = "A socket that connects to this port of the client, from port 20 where that is configured."};
};

using OwnRequests = priv::Requests<DataListen, DataConnect>;
using MonitorRequests = service::LoginRequests::with<DataListen, DataConnect>;

} // namespace posada::ftpd
