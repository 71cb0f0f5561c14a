// SPDX-License-Identifier: BSD-2-Clause
// A private key that is elsewhere: an EVP_PKEY of a provider of our own, whose signatures are asked for. libssl uses it
// like any other. RSA, RSA-PSS, EC, Ed25519 and Ed448 sign; nothing can be decrypted with it.
#pragma once

#include <memory>

#include "common/io/tls_pem.h"
#include "common/io/tls_sign.h"

namespace posada::io {

// Whom a context's keys ask: set for as long as one session's handshake takes its step.
struct SignSlot {
    const SignFunction* ask = nullptr;
};

// The key of this certificate. Errc::invalid when it is of a type that signs no handshake.
Result<PkeyPtr> make_remote_key(X509* certificate, std::uint16_t index, std::shared_ptr<const SignSlot> slot);

} // namespace posada::io
