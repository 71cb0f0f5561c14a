// SPDX-License-Identifier: BSD-2-Clause
// The one thing that a TLS server needs its private key for: a signature in the handshake. A net process asks for it
// (tls_remote_key.h), the signer gives it (tls_server_sign.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace posada::io {

// The most that a handshake ever has signed: DHE with a group of 8192 bits.
constexpr std::size_t max_signed_bytes = 64 + 3 * (2 + 1024);

enum class SignHash : std::uint8_t { none, md5_sha1, sha1, sha224, sha256, sha384, sha512 }; // none: EdDSA
enum class SignPadding : std::uint8_t { none, pkcs1, pss };                                  // none: not RSA

struct SignRequest {
    std::uint16_t key = 0; // which certificate of TlsServerConfig, from 0
    SignHash hash = SignHash::none;
    SignPadding padding = SignPadding::none;
    std::string_view bytes; // what is signed, not its hash
};

// The signature as it goes into the handshake. Called in the middle of SSL_do_handshake: it waits for the answer.
using SignFunction = std::function<Result<std::string>(const SignRequest&)>;

} // namespace posada::io
