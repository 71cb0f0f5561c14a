// SPDX-License-Identifier: BSD-2-Clause
// The sockets of data connections, as root makes them. Both ends are what the kernel says of the control connection.
// Those to listen on are bound only: until the net process listens, which needs no right, who knocks is refused.
#pragma once

#include <cstdint>

#include "common/base/fd.h"
#include "common/io/addr.h"
#include "common/service/config/schema.h"

namespace posada::ftpd {

constexpr std::uint16_t first_data_port = 1024; // of a client: below are services, which are none of ours

struct BoundSocket {
    UniqueFd socket;
    std::uint16_t port = 0;
};
// On a port of the range, taken at random, so that the next one cannot be guessed. Errc::busy: none was free in 32
// attempts. Somebody else may listen there before us.
Result<BoundSocket> bind_for_data(const io::Address& local, const service::NumberRange& ports);

// Non-blocking: the connection is on its way. from_port: 20, or 0 for any.
Result<UniqueFd> connect_for_data(const io::Address& local, const io::Address& peer, std::uint16_t port,
                                  std::uint16_t from_port);

} // namespace posada::ftpd
