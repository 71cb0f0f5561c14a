// SPDX-License-Identifier: BSD-2-Clause
// What the net program of ftpd may ask its monitor: the logins of every daemon and the anonymous one, sockets for data
// connections, whose other end is always the client itself (no request names an address), and what becomes of files
// that were transferred.
#pragma once

#include <cstdint>
#include <vector>

#include "common/service/login_protocol.h"
#include "ftpd/file_terms.h"

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

// The address is for the log: nobody checks it.
struct AnonymousLogin {
    std::string email;
    FIELDS(email)
    using Answer = service::LoggedIn;
    static constexpr priv::RequestInfo row{
        .type = DataConnect::row.type + 2,
        .name = "anonymous_login",
        .phases = service::before_login,
        .max_bytes = 2 + max_email,
        .fds_out = 1,
        .then = service::after_login,
        .meaning = "Logs in without a password, where an anonymous directory is configured."};
};

struct LogTransfer {
    std::string path;
    std::uint64_t octets = 0;
    std::uint64_t millis = 0; // how long it took
    bool ascii = false;
    bool received = false;
    bool complete = false;
    FIELDS(path, octets, millis, ascii, received, complete)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{.type = AnonymousLogin::row.type + 2,
                                           .name = "log_transfer",
                                           .phases = service::after_login,
                                           .max_bytes = path_octets + 8 + 8 + 3,
                                           .meaning = "A line for transfer_log; who and where from is not asked."};
};

// The descriptor: what was written, before it has its name.
struct GiveUpload {
    std::string path;
    FIELDS(path)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{
        .type = LogTransfer::row.type + 2,
        .name = "give_upload",
        .phases = service::after_login,
        .max_bytes = path_octets,
        .fds_in = 1,
        .meaning = "Gives a file of the session's user in an upload directory to the owner configured for it."};
};

using OwnRequests = priv::Requests<DataListen, DataConnect, AnonymousLogin, LogTransfer, GiveUpload>;
using MonitorRequests = service::LoginRequests::with<DataListen, DataConnect, AnonymousLogin, LogTransfer, GiveUpload>;

} // namespace posada::ftpd
