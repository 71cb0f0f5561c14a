// SPDX-License-Identifier: BSD-2-Clause
// The client behind a proxy (PROXY protocol): the net process reads the header and tells the monitor who the client is.
// The monitor believes it when the connection comes from a network in the listener's proxy_from, once, before anything
// else; limits, throttle and logs then count the client and not the proxy.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/io/addr.h"
#include "common/priv/request.h"

namespace posada::service {

constexpr std::uint16_t client_address_request = 10;

// The answer is a success without a body, or Errc::limit: this client has too many connections.
constexpr priv::RequestInfo client_address_row{
    client_address_request,
    "client_address",
    priv::before_login,
    true,
    64,
    0,
    0,
    "First of all requests: who the client behind a proxy is; only from a network in proxy_from."};

std::string encode_client_address(const io::Address& client);
Result<io::Address> decode_client_address(std::string_view payload);

} // namespace posada::service
