// SPDX-License-Identifier: BSD-2-Clause
// PEM in, OpenSSL objects out: what contexts, certificate inspection and certificate generation share.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/io/tls.h"

namespace posada::io {

template <auto Free>
struct OpensslFree {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;

BioPtr memory_bio(std::string_view bytes); // borrows the bytes
// At least one certificate, in the order of the file; other PEM blocks are skipped.
Result<std::vector<X509Ptr>> parse_chain(std::string_view pem);
Result<PkeyPtr> parse_key(std::string_view pem);
// Errc::invalid with the remedy when the key is not that of the first certificate.
Status check_key(const std::vector<X509Ptr>& chain, EVP_PKEY* key);
std::string subject_of(const X509* certificate);
// DNS names (lower case) and IP addresses of the subject alternative names; without any, the common name.
std::vector<std::string> names_of(const X509* certificate);

} // namespace posada::io
