// SPDX-License-Identifier: BSD-2-Clause
// The requests that the launcher itself answers for every connection of every daemon; a daemon's table is followed by
// them, and no daemon names them.
#pragma once

#include <span>
#include <vector>

#include "common/service/client_address.h"
#include "common/service/sign_protocol.h"

namespace posada::service {

using ConnectionRequests = priv::Requests<ClientAddress, Sign>;

// How many handshakes a connection may have signed: its own, or those of data connections beside it (FTP with clients
// that cannot resume a session).
enum class Handshakes : std::uint8_t { one, many };

// The daemon's rows keep their index.
inline std::vector<priv::RequestInfo> with_connection_requests(std::span<const priv::RequestInfo> daemon,
                                                               Handshakes handshakes = Handshakes::one) {
    std::vector<priv::RequestInfo> all(daemon.begin(), daemon.end());
    all.insert(all.end(), ConnectionRequests::rows.begin(), ConnectionRequests::rows.end());
    if (handshakes == Handshakes::many)
        for (priv::RequestInfo& row : all)
            if (row.type == Sign::row.type) row.once = false;
    return all;
}

} // namespace posada::service
