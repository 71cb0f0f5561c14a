// SPDX-License-Identifier: BSD-2-Clause
// What the net program of port 25 may ask its monitor.
#pragma once

#include <array>

#include "common/service/client_address.h"

namespace posada::smtpd {

constexpr std::array<priv::RequestInfo, 1> mx_requests{service::client_address_row};

} // namespace posada::smtpd
