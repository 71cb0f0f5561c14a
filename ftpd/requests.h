// SPDX-License-Identifier: BSD-2-Clause
// What the net program of ftpd may ask its monitor: the logins of every daemon, and sockets for data connections, whose
// other end is always the client itself: no request names an address.
#pragma once

#include <cstdint>

#include "common/service/login_protocol.h"

namespace posada::ftpd {

struct DataPort {
    std::uint16_t port = 0;
    FIELDS(port)
};
struct DataListen {
    FIELDS()
    using Answer = DataPort;
    static constexpr priv::RequestInfo row{
        .type = priv::first_daemon_request,
        .name = "data_listen",
        .phases = service::after_login,
        .fds_out = 1,
        .meaning = "A socket that listens where the client connected to, on a random port of passive_ports."};
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
