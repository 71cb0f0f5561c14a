// SPDX-License-Identifier: BSD-2-Clause
// What a TLS server's key may sign, and signing it: the signer's work (common/service/signer.h).
#pragma once

#include <openssl/types.h>

#include <string>

#include "common/io/tls_sign.h"

namespace posada::io {

// Only the CertificateVerify of a server (RFC 8446 section 4.4.3) and the ServerKeyExchange of TLS 1.2 and older
// (RFC 5246 section 7.4.3, RFC 8422 section 5.4), each with a hash that belongs to it; legacy: also SHA-1, MD5 with
// SHA-1, and DHE. Errc::protocol says what is wrong. Pure.
Status check_server_signature(const SignRequest& request, bool legacy);
// Checks, and signs. Errc::invalid: key and request do not fit.
Result<std::string> sign_as_server(EVP_PKEY* key, const SignRequest& request, bool legacy);

} // namespace posada::io
