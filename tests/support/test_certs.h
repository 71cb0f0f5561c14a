// SPDX-License-Identifier: BSD-2-Clause
// Certificates for tests, made on the spot: no key lies in the source tree.
#pragma once

#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "common/io/certgen.h"

namespace posada::test {

inline io::CertificateRequest certificate_request(std::vector<std::string> names,
                                                  io::KeyType key = io::KeyType::ecdsa_p256) {
    const UnixTime now = std::time(nullptr);
    io::CertificateRequest out;
    out.common_name = names.empty() ? "posada test authority" : names.front();
    out.names = std::move(names);
    out.not_before = now - 3600;
    out.not_after = now + 86400;
    out.key = key;
    return out;
}

inline io::Certificate unwrap(Result<io::Certificate> made) {
    EXPECT_TRUE(made.ok()) << (made ? "" : made.error().text);
    return made ? std::move(*made) : io::Certificate{};
}

inline io::Certificate make_self_signed(const std::vector<std::string>& names,
                                        io::KeyType key = io::KeyType::ecdsa_p256) {
    return unwrap(io::make_self_signed(certificate_request(names, key)));
}

inline io::Certificate make_ca() { return unwrap(io::make_authority(certificate_request({}))); }

inline io::Certificate issue(const std::vector<std::string>& names, const io::Certificate& ca) {
    return unwrap(io::issue_certificate(certificate_request(names), ca));
}

} // namespace posada::test
