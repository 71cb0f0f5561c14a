// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/tls_server_sign.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>

#include "common/io/tls_pem.h"

namespace posada::io {
namespace {

constexpr std::size_t tls13_spaces = 64;
constexpr std::string_view tls13_context{"TLS 1.3, server CertificateVerify\0", 34};
constexpr std::size_t randoms = 64; // of the client and of the server
constexpr char named_curve = 3;

Error breach(const char* what) { return Error{Errc::protocol, 0, what}; }

bool is_tls13(std::string_view bytes) {
    return bytes.size() > tls13_spaces && bytes.substr(0, tls13_spaces) == std::string(tls13_spaces, ' ') &&
           bytes.substr(tls13_spaces, tls13_context.size()) == tls13_context;
}

// What follows is the hash of the transcript, SHA-256 or SHA-384 (the ciphers of TLS 1.3).
bool has_transcript_hash(std::string_view bytes) {
    const std::size_t left = bytes.size() - tls13_spaces - tls13_context.size();
    return left == 32 || left == 48;
}

bool is_ecdhe(std::string_view params) {
    if (params.size() < 4 || params[0] != named_curve) return false;
    const auto point = static_cast<unsigned char>(params[3]);
    return point > 0 && params.size() == 4U + point;
}

// p, g and the public value, each with its size in front.
bool is_dhe(std::string_view params) {
    for (int part = 0; part < 3; ++part) {
        if (params.size() < 2) return false;
        const std::size_t size = static_cast<unsigned char>(params[0]) * 256U + static_cast<unsigned char>(params[1]);
        if (size == 0 || params.size() < 2 + size) return false;
        params.remove_prefix(2 + size);
    }
    return params.empty();
}

bool weak(SignHash hash) { return hash == SignHash::sha1 || hash == SignHash::md5_sha1; }

const char* openssl_name(SignHash hash) {
    switch (hash) {
    case SignHash::none: return nullptr;
    case SignHash::md5_sha1: return "MD5-SHA1";
    case SignHash::sha1: return "SHA1";
    case SignHash::sha224: return "SHA224";
    case SignHash::sha256: return "SHA256";
    case SignHash::sha384: return "SHA384";
    case SignHash::sha512: return "SHA512";
    }
    return nullptr;
}

bool set_padding(EVP_PKEY_CTX* context, SignPadding padding) {
    if (padding != SignPadding::pss) return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

bool fits(const EVP_PKEY* key, const SignRequest& request) {
    const bool rsa = EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1;
    const bool edwards = EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1;
    return rsa == (request.padding != SignPadding::none) && edwards == (request.hash == SignHash::none);
}

} // namespace

Status check_server_signature(const SignRequest& request, bool legacy) {
    if (is_tls13(request.bytes)) {
        if (!has_transcript_hash(request.bytes)) return breach("a CertificateVerify of the wrong length");
        if (weak(request.hash) || request.padding == SignPadding::pkcs1)
            return breach("a CertificateVerify with an old signature");
        return {};
    }
    if (request.bytes.size() <= randoms || request.bytes.size() > max_signed_bytes)
        return breach("no handshake of a TLS server");
    const std::string_view params = request.bytes.substr(randoms);
    if (!is_ecdhe(params) && !(legacy && is_dhe(params))) return breach("no handshake of a TLS server");
    if (weak(request.hash) && !legacy) return breach("a ServerKeyExchange with an old hash");
    return {};
}

Result<std::string> sign_as_server(EVP_PKEY* key, const SignRequest& request, bool legacy) {
    RETURN_IF_ERROR(check_server_signature(request, legacy));
    if (!fits(key, request)) return Error{Errc::protocol, 0, "a signature that this key does not make"};
    ERR_clear_error();
    const std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* details = nullptr; // the context's
    std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
    std::size_t size = out.size();
    if (!context ||
        EVP_DigestSignInit_ex(context.get(), &details, openssl_name(request.hash), nullptr, nullptr, key, nullptr) !=
            1 ||
        !set_padding(details, request.padding) ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                       reinterpret_cast<const unsigned char*>(request.bytes.data()), request.bytes.size()) != 1)
        return Error{Errc::invalid, 0, tls_error_text()};
    out.resize(size);
    return out;
}

} // namespace posada::io
