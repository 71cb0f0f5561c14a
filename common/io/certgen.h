// SPDX-License-Identifier: BSD-2-Clause
// Making certificates: the demo's own authority, `posada init`, and the tests. ECDSA P-256, X.509 v3, PEM out.
#pragma once

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/io/tls.h"

namespace posada::io {

enum class KeyType : std::uint8_t { ecdsa_p256, rsa_2048 };

struct CertificateRequest {
    std::string common_name;        // shown to people; at most 64 bytes
    std::vector<std::string> names; // subject alternative names: DNS names (also "*.example.org") and IP addresses
    UnixTime not_before = 0;
    UnixTime not_after = 0;
    KeyType key = KeyType::ecdsa_p256;
};

// A certificate that signs others (CA:TRUE, path length 0) and itself.
Result<Certificate> make_authority(const CertificateRequest& request);
// A server's certificate signed by the authority; the chain holds only the new certificate.
Result<Certificate> issue_certificate(const CertificateRequest& request, const Certificate& authority);
// A server's certificate signed by itself.
Result<Certificate> make_self_signed(const CertificateRequest& request);

} // namespace posada::io
