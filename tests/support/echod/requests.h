// SPDX-License-Identifier: BSD-2-Clause
// What the net program may ask its monitor: the logins of every daemon, and three requests of its own.
#pragma once

#include "common/priv/request_tables.h"
#include "common/service/login_protocol.h"

namespace posada::echod {

constexpr std::uint16_t upper_request = priv::first_daemon_request;
constexpr std::uint16_t open_request = upper_request + 2;
constexpr std::uint16_t where_request = upper_request + 4;

constexpr std::array<priv::RequestInfo, 3> own_requests{{
    {upper_request, "upper", priv::any_phase, false, 512, 0, 0, "The text in upper case."},
    {open_request, "open", priv::any_phase, false, 0, 0, 1, "A descriptor."},
    {where_request, "where", priv::any_phase, false, 0, 0, 0, "Both ends of the connection as the monitor knows them."},
}};
constexpr auto monitor_requests = priv::join_tables(service::login_requests, own_requests);

} // namespace posada::echod
