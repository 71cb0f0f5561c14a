// SPDX-License-Identifier: BSD-2-Clause
// What the net program of pop3d may ask its monitor: the logins of every daemon, and APOP.
#pragma once

#include <array>

#include "common/service/login_protocol.h"

namespace posada::pop3d {

constexpr std::array<priv::RequestInfo, 4> monitor_requests{
    service::login_requests[0],
    service::login_requests[1],
    service::login_requests[2],
    service::apop_row,
};

} // namespace posada::pop3d
