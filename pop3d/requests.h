// SPDX-License-Identifier: BSD-2-Clause
// What the net program of pop3d may ask its monitor: the logins of every daemon, and APOP.
#pragma once

#include "common/priv/request_tables.h"
#include "common/service/login_protocol.h"

namespace posada::pop3d {

constexpr auto monitor_requests =
    priv::join_tables(service::login_requests, std::array<priv::RequestInfo, 1>{service::apop_row});

} // namespace posada::pop3d
