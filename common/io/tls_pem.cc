// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/tls_pem.h"

#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>
#include <ctime>

#include "common/base/text.h"
#include "common/io/addr.h"

namespace posada::io {
namespace {

Error invalid(std::string text) {
    ERR_clear_error();
    return Error{Errc::invalid, 0, std::move(text)};
}

// Never prompts: a daemon has no terminal.
int no_passphrase(char*, int, int, void* asked) noexcept {
    *static_cast<bool*>(asked) = true;
    return -1;
}

std::string string_of(const ASN1_STRING* s) {
    if (s == nullptr) return {};
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

std::string ip_text(const std::string& raw) {
    sockaddr_storage storage{};
    auto* p = reinterpret_cast<char*>(&storage);
    if (raw.size() == 4) {
        storage.ss_family = AF_INET;
        std::copy(raw.begin(), raw.end(), p + offsetof(sockaddr_in, sin_addr));
    } else if (raw.size() == 16) {
        storage.ss_family = AF_INET6;
        std::copy(raw.begin(), raw.end(), p + offsetof(sockaddr_in6, sin6_addr));
    }
    return Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), sizeof storage).ip();
}

std::string common_name(const X509* certificate) {
    const X509_NAME* name = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    return at < 0 ? std::string() : string_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

std::int64_t unix_time(const ASN1_TIME* t) {
    std::tm tm{};
    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

} // namespace

BioPtr memory_bio(std::string_view bytes) {
    return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX))));
}

Result<std::vector<X509Ptr>> parse_chain(std::string_view pem) {
    std::vector<X509Ptr> out;
    const BioPtr bio = memory_bio(pem);
    while (X509Ptr one{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) out.push_back(std::move(one));
    const unsigned long error = ERR_peek_last_error();
    if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
        return invalid("certificate " + std::to_string(out.size() + 1) +
                       " of the chain is damaged: " + tls_error_text());
    if (out.empty())
        return invalid("there is no certificate in it (PEM is expected, with a line -----BEGIN CERTIFICATE-----)");
    ERR_clear_error();
    return out;
}

Result<PkeyPtr> parse_key(std::string_view pem) {
    bool asked = false;
    const BioPtr bio = memory_bio(pem);
    PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &asked));
    if (key) return key;
    if (asked)
        return invalid("the private key is encrypted and a daemon cannot ask for its passphrase; remove it with: "
                       "openssl pkey -in OLD.pem -out NEW.pem");
    if (pem.find("PRIVATE KEY-----") == std::string_view::npos)
        return invalid("there is no private key in it (PEM is expected, with a line -----BEGIN PRIVATE KEY-----)");
    return invalid("the private key is damaged: " + tls_error_text());
}

Status check_key(const std::vector<X509Ptr>& chain, EVP_PKEY* key) {
    const auto fits = [&](const X509Ptr& c) { return X509_check_private_key(c.get(), key) == 1; };
    if (fits(chain.front())) return {};
    if (std::any_of(chain.begin(), chain.end(), fits))
        return invalid("the private key belongs to a later certificate of the chain; put the server's own certificate "
                       "first");
    return invalid("the private key does not belong to the certificate of " + subject_of(chain.front().get()));
}

std::string subject_of(const X509* certificate) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    const char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(std::max(size, 0L))};
}

std::vector<std::string> names_of(const X509* certificate) {
    std::vector<std::string> out;
    std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>> names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type == GEN_DNS) out.push_back(ascii_lower(string_of(name->d.dNSName)));
        if (name->type == GEN_IPADD) out.push_back(ip_text(string_of(name->d.iPAddress)));
    }
    if (out.empty() && !common_name(certificate).empty()) out.push_back(ascii_lower(common_name(certificate)));
    return out;
}

Result<CertificateInfo> inspect_certificate(std::string_view chain_pem) {
    auto chain = parse_chain(chain_pem);
    if (!chain) return chain.error();
    const X509* leaf = chain->front().get();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(leaf, EVP_sha256(), digest, &size) != 1) return Error{Errc::io, 0, tls_error_text()};
    CertificateInfo out;
    out.subject = subject_of(leaf);
    out.sha256 = hex({reinterpret_cast<const char*>(digest), size});
    out.not_before = unix_time(X509_get0_notBefore(leaf));
    out.not_after = unix_time(X509_get0_notAfter(leaf));
    out.names = names_of(leaf);
    return out;
}

Status check_certificate(const Certificate& certificate) {
    auto chain = parse_chain(certificate.chain_pem);
    if (!chain) return chain.error();
    auto key = parse_key(certificate.key_pem);
    if (!key) return key.error();
    return check_key(*chain, key->get());
}

std::string tls_error_text() {
    const char* data = nullptr;
    int flags = 0;
    const unsigned long error = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags);
    if (error == 0) return "unknown TLS error";
    const char* reason = ERR_reason_error_string(error);
    std::string out = reason != nullptr ? reason : "OpenSSL error " + std::to_string(ERR_GET_REASON(error));
    if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') out += std::string(" (") + data + ")";
    ERR_clear_error();
    return out;
}

} // namespace posada::io
