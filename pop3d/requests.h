// SPDX-License-Identifier: BSD-2-Clause
// What the net program of pop3d may ask its monitor: the logins of every daemon, and APOP.
#pragma once

#include "common/service/login_protocol.h"

namespace posada::pop3d {

// The digest of RFC 1939 §7 over the challenge that the monitor itself gave to this connection.
struct ApopDigest {
    std::string user;
    std::string digest;
    FIELDS(user, digest)
    using Answer = service::LoggedIn;
    static constexpr priv::RequestInfo row{
        .type = priv::first_daemon_request,
        .name = "check_apop",
        .phases = service::before_login,
        .max_bytes = 300,
        .fds_out = 1,
        .then = service::after_login,
        .meaning = "Checks an APOP digest over the monitor's own challenge in a worker process."};
};

using OwnRequests = priv::Requests<ApopDigest>;
using MonitorRequests = service::LoginRequests::with<ApopDigest>;

} // namespace posada::pop3d
