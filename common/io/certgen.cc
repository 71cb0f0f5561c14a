// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/certgen.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/io/addr.h"
#include "common/io/tls_pem.h"

namespace posada::io {
namespace {

enum class Role : std::uint8_t { authority, server };

Error failed(const std::string& what) { return Error{Errc::io, 0, what + ": " + tls_error_text()}; }

PkeyPtr make_key(KeyType type) { return PkeyPtr(type == KeyType::rsa_2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")); }

// 159 random bits: unique, positive, unguessable (RFC 5280 §4.1.2.2 allows 20 octets).
bool set_serial(X509* certificate) {
    std::unique_ptr<BIGNUM, OpensslFree<BN_free>> number(BN_new());
    return number && BN_rand(number.get(), 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_subject(X509* certificate, const std::string& common_name) {
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(common_name.data()),
                                      static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// The value is OpenSSL's configuration syntax, so a name must not bring a separator of its own.
Result<std::string> alternative_names(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        const auto odd = [](char c) { return c == ',' || c == ':' || c == ';' || c == '@' || c <= ' ' || c > '~'; };
        const auto address = Address::parse(name, 0);
        if (!address && (name.empty() || std::any_of(name.begin(), name.end(), odd)))
            return Error{Errc::invalid, 0, "\"" + escape_for_log(name) + "\" is neither a host name nor an IP address"};
        out += (out.empty() ? "" : ",") + (address ? "IP:" + address->ip() : "DNS:" + name);
    }
    return out;
}

// RSA keys may also carry the key exchange of clients too old for ephemeral keys (the legacy profile).
const char* key_usage(Role role, KeyType type) {
    if (role == Role::authority) return "critical,keyCertSign,cRLSign";
    return type == KeyType::rsa_2048 ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature";
}

Status add_extensions(X509* certificate, X509* issuer, Role role, KeyType type, const std::string& names) {
    const bool authority = role == Role::authority;
    const char* constraints = authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE";
    const bool ok = add_extension(certificate, issuer, NID_basic_constraints, constraints) &&
                    add_extension(certificate, issuer, NID_key_usage, key_usage(role, type)) &&
                    add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
                    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid") &&
                    (authority || add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth")) &&
                    (names.empty() || add_extension(certificate, issuer, NID_subject_alt_name, names));
    if (!ok) return failed("certificate extensions");
    return {};
}

Result<std::string> to_pem(const BioPtr& out, bool written) {
    if (!written) return failed("PEM");
    const char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<std::size_t>(std::max(size, 0L)));
}

Result<Certificate> export_pem(X509* certificate, EVP_PKEY* key) {
    const BioPtr cert_out(BIO_new(BIO_s_mem()));
    const BioPtr key_out(BIO_new(BIO_s_secmem()));
    auto chain = to_pem(cert_out, PEM_write_bio_X509(cert_out.get(), certificate) == 1);
    if (!chain) return chain.error();
    auto secret =
        to_pem(key_out, PEM_write_bio_PrivateKey(key_out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    if (!secret) return secret.error();
    return Certificate{std::move(*chain), std::move(*secret)};
}

// issuer and issuer_key are nullptr for a certificate that signs itself.
Result<Certificate> make(const CertificateRequest& request, Role role, X509* issuer, EVP_PKEY* issuer_key) {
    ERR_clear_error();
    if (request.common_name.empty() || request.common_name.size() > 64)
        return Error{Errc::invalid, 0, "a certificate's common name has 1 to 64 bytes"};
    if (request.not_after <= request.not_before) return Error{Errc::invalid, 0, "the certificate would never be valid"};
    auto names = alternative_names(request.names);
    if (!names) return names.error();
    const PkeyPtr key = make_key(request.key);
    const X509Ptr certificate(X509_new());
    X509* const c = certificate.get();
    if (!key || c == nullptr) return failed("key generation");
    if (issuer == nullptr) {
        issuer = c;
        issuer_key = key.get();
    }
    const bool filled =
        X509_set_version(c, X509_VERSION_3) == 1 && set_serial(c) && set_subject(c, request.common_name) &&
        X509_set_issuer_name(c, X509_get_subject_name(issuer)) == 1 &&
        ASN1_TIME_set(X509_getm_notBefore(c), request.not_before) != nullptr &&
        ASN1_TIME_set(X509_getm_notAfter(c), request.not_after) != nullptr && X509_set_pubkey(c, key.get()) == 1;
    if (!filled) return failed("certificate fields");
    RETURN_IF_ERROR(add_extensions(c, issuer, role, request.key, *names));
    if (X509_sign(c, issuer_key, EVP_sha256()) == 0) return failed("signature");
    return export_pem(c, key.get());
}

} // namespace

Result<Certificate> make_authority(const CertificateRequest& request) {
    return make(request, Role::authority, nullptr, nullptr);
}

Result<Certificate> issue_certificate(const CertificateRequest& request, const Certificate& authority) {
    auto chain = parse_chain(authority.chain_pem);
    if (!chain) return chain.error();
    auto key = parse_key(authority.key_pem);
    if (!key) return key.error();
    RETURN_IF_ERROR(check_key(*chain, key->get()));
    return make(request, Role::server, chain->front().get(), key->get());
}

Result<Certificate> make_self_signed(const CertificateRequest& request) {
    return make(request, Role::server, nullptr, nullptr);
}

} // namespace posada::io
