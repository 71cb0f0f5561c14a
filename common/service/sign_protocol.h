// SPDX-License-Identifier: BSD-2-Clause
// How a net process, which has certificates but no private key, gets the one signature of a TLS handshake. It asks its
// monitor, which reads nothing of it but passes it on to the signer with the number of the session; the signer answers
// into the descriptor that came along, a SOCK_SEQPACKET socket of which the net process has the other end. What a TLS
// server does not sign is a breach: the signer names it to the launcher, and the session's process dies.
#pragma once

#include "common/io/tls_sign.h"
#include "common/priv/request_list.h"

namespace posada::io {
constexpr SignHash last_value(SignHash) { return SignHash::sha512; }
constexpr SignPadding last_value(SignPadding) { return SignPadding::pss; }
} // namespace posada::io

namespace posada::service {

struct Sign {
    std::uint16_t key = 0;
    io::SignHash hash{};
    io::SignPadding padding{};
    std::string bytes;
    FIELDS(key, hash, padding, bytes)
    using Answer = Nothing; // by this way: the signature takes the descriptor
    // Once: there is one handshake in a connection, and one signature in a handshake.
    static constexpr priv::RequestInfo row{
        .type = 12,
        .name = "sign",
        .once = true,
        .max_bytes = 6 + io::max_signed_bytes,
        .fds_in = 1,
        .meaning = "The signature of a TLS handshake: passed on to the signer, who answers into the descriptor."};

    static Sign of(const io::SignRequest& request) {
        return {request.key, request.hash, request.padding, std::string(request.bytes)};
    }
    // Points into this.
    [[nodiscard]] io::SignRequest request() const { return {key, hash, padding, bytes}; }
};

} // namespace posada::service
