// SPDX-License-Identifier: BSD-2-Clause
// TLS contexts over OpenSSL 3. Certificates arrive as PEM bytes (the launcher reads the files); contexts are built
// before the fork, so a connection's process never parses a key. TLS 1.2+, renegotiation off, SNI, ALPN (RFC 7301: a
// client that offers ALPN without our protocol is refused), session tickets with keys shared by all children.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace posada::io {

struct Certificate {
    std::string chain_pem;
    std::string key_pem;
};

enum class TlsProfile : unsigned char {
    modern,
    legacy
}; // legacy: TLS 1.0+, SECLEVEL 0, for old printers (DESIGN: private listeners only)

struct TlsServerConfig {
    std::vector<Certificate> certificates; // the first is the default; the others are chosen by SNI
    std::string alpn;                      // "pop3", "smtp" is not registered: empty = ALPN ignored
    TlsProfile profile = TlsProfile::modern;
    std::string ticket_key; // 80 random bytes, the same for every process of a daemon; empty = own
};

struct SslCtxFree {
    void operator()(ssl_ctx_st* p) const noexcept;
};
struct SslFree {
    void operator()(ssl_st* p) const noexcept;
};

class TlsContext {
  public:
    static Result<std::shared_ptr<TlsContext>> make_server(const TlsServerConfig& config);
    // Client: verify_host empty = no verification of the name; ca_pem empty = system store.
    static Result<std::shared_ptr<TlsContext>> make_client(std::string_view ca_pem, bool verify);
    [[nodiscard]] ssl_ctx_st* get() const { return default_.get(); }

  private:
    std::unique_ptr<ssl_ctx_st, SslCtxFree> default_;
    std::vector<std::pair<std::string, std::unique_ptr<ssl_ctx_st, SslCtxFree>>> by_name_;
    std::string alpn_wire_;
    friend struct TlsAccess;
};

struct CertificateInfo {
    std::string subject;
    std::string sha256;         // hex of the DER
    std::int64_t not_after = 0; // unix time
    std::vector<std::string> names;
};
Result<CertificateInfo> inspect_certificate(std::string_view chain_pem);
// Checks that the key fits the certificate.
Status check_certificate(const Certificate& certificate);

// The last error of OpenSSL's queue as text; clears the queue.
std::string tls_error_text();

} // namespace posada::io
