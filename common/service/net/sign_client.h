// SPDX-License-Identifier: BSD-2-Clause
// The net side of sign_protocol.h.
#pragma once

#include <cstdint>

#include "common/base/clock.h"
#include "common/io/tls_sign.h"
#include "common/service/request_client.h"

namespace posada::service {

// Waits, as signing in the process would; at most `timeout`. The monitor outlives it.
io::SignFunction sign_through(RequestClient& monitor, std::uint64_t session, Millis timeout);

} // namespace posada::service
