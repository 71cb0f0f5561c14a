// SPDX-License-Identifier: BSD-2-Clause
// What the net program may ask its monitor: the logins of every daemon, and three requests of its own.
#pragma once

#include "common/service/login_protocol.h"

namespace posada::echod {

struct Text {
    std::string text;
    FIELDS(text)
};

struct Upper {
    std::string text;
    FIELDS(text)
    using Answer = Text;
    static constexpr priv::RequestInfo row{
        .type = priv::first_daemon_request, .name = "upper", .max_bytes = 512, .meaning = "The text in upper case."};
};
struct Open {
    FIELDS()
    using Answer = Text;
    static constexpr priv::RequestInfo row{
        .type = Upper::row.type + 2, .name = "open", .fds_out = 1, .meaning = "A descriptor."};
};
struct Where {
    FIELDS()
    using Answer = Text;
    static constexpr priv::RequestInfo row{.type = Upper::row.type + 4,
                                           .name = "where",
                                           .meaning = "Both ends of the connection as the monitor knows them."};
};

using OwnRequests = priv::Requests<Upper, Open, Where>;
using MonitorRequests = service::LoginRequests::with<Upper, Open, Where>;

} // namespace posada::echod
