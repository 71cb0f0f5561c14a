// SPDX-License-Identifier: BSD-2-Clause
// How a net process, which has certificates but no private key, gets the one signature of a TLS handshake. It asks its
// monitor, which reads nothing of it but passes it on to the signer with the number of the session; the signer answers
// into the descriptor that came along, a SOCK_SEQPACKET socket of which the net process has the other end. What a TLS
// server does not sign is a breach: the signer names it to the launcher, and the session's process dies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/io/tls_sign.h"
#include "common/priv/request.h"

namespace posada::service {

constexpr std::uint16_t sign_request = 12;

// Once: there is one handshake in a connection, and one signature in a handshake.
constexpr priv::RequestInfo sign_row{sign_request,
                                     "sign",
                                     priv::any_phase,
                                     true,
                                     4 + io::max_signed_bytes,
                                     1,
                                     0,
                                     "The signature of a TLS handshake: passed on to the signer, who answers into the "
                                     "descriptor."};

std::string encode(const io::SignRequest& request);
// The request points into the payload. Errc::protocol.
Result<io::SignRequest> decode_sign_request(std::string_view payload);

} // namespace posada::service
