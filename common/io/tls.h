// SPDX-License-Identifier: BSD-2-Clause
// TLS contexts over OpenSSL 3. Certificates arrive as PEM bytes (the launcher reads the files); contexts are built
// before the fork, so a connection's process never parses a key. TLS 1.2+, renegotiation off, SNI, ALPN (RFC 7301: a
// client that offers ALPN without our protocol is refused), session tickets with keys shared by all children.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

struct bio_method_st;
struct ssl_ctx_st;
struct ssl_st;

namespace posada::io {

struct SignSlot; // tls_remote_key.h

struct Certificate {
    std::string chain_pem; // the server's own certificate first
    std::string key_pem;   // without a passphrase; empty: whoever starts a session says who signs (tls_sign.h)
};

// legacy: TLS 1.0+, SECLEVEL 0, for old printers (the configuration allows it on private listeners only).
enum class TlsProfile : unsigned char { modern, legacy };

struct TlsServerConfig {
    // The first is the default; the others are chosen by SNI, an exact name before a wildcard. Two certificates with
    // the same names and different key types (ECDSA and RSA) serve together.
    std::vector<Certificate> certificates;
    std::string alpn; // "pop3"; "smtp" is not registered: empty = ALPN ignored
    TlsProfile profile = TlsProfile::modern;
    std::string ticket_key; // 80 random bytes, the same for every process of a daemon; empty = own
};

struct SslCtxFree {
    void operator()(ssl_ctx_st* p) const noexcept;
};
struct SslFree {
    void operator()(ssl_st* p) const noexcept;
};
struct BioMethodFree {
    void operator()(bio_method_st* p) const noexcept;
};
using SslCtxPtr = std::unique_ptr<ssl_ctx_st, SslCtxFree>;

class TlsContext {
  public:
    // Errc::invalid with the certificate's number and a remedy when a certificate or key cannot be used.
    static Result<std::shared_ptr<TlsContext>> make_server(const TlsServerConfig& config);
    // ca_pem empty = the system's store, read now (nothing is opened later). verify = the chain and, for a stream that
    // is given a server name, the name are checked.
    static Result<std::shared_ptr<TlsContext>> make_client(std::string_view ca_pem, bool verify);
    [[nodiscard]] ssl_ctx_st* get() const { return contexts_.front().get(); }
    // The socket layer of TlsSession.
    [[nodiscard]] bio_method_st* bio_method() const { return bio_method_.get(); }
    // The context that serves this SNI name, nullptr if none does.
    [[nodiscard]] ssl_ctx_st* find(std::string_view server_name) const;
    // From here on only sessions of this process can be resumed in it, as long as it lives: whoever resumes has been
    // here. For a process of one client.
    Status isolate_sessions(); // by ticket, or by session id where a client of TLS 1.2 wants no tickets
    // Where the certificates without a key look for a signature.
    [[nodiscard]] SignSlot& sign_slot() const { return *sign_slot_; }

  private:
    TlsContext() = default;
    friend struct TlsAccess;
    std::vector<SslCtxPtr> contexts_; // never empty; the first is the default
    std::vector<std::pair<std::string, ssl_ctx_st*>> by_name_;
    std::string alpn_wire_;
    std::shared_ptr<SignSlot> sign_slot_;
    std::unique_ptr<bio_method_st, BioMethodFree> bio_method_;
};

struct CertificateInfo {
    std::string subject;
    std::string sha256;          // hex of the DER
    std::int64_t not_before = 0; // unix time
    std::int64_t not_after = 0;
    std::vector<std::string> names; // DNS names in lower case and IP addresses, from the subject alternative names
};
// Of the first certificate of the chain.
Result<CertificateInfo> inspect_certificate(std::string_view chain_pem);
// Checks that both parse and that the key fits the certificate.
Status check_certificate(const Certificate& certificate);

// The first error of OpenSSL's queue (the cause) as text; clears the queue.
std::string tls_error_text();

// Makes OpenSSL read what it reads lazily (configuration file, error texts, random seed), so that nothing is opened
// under the sandbox.
void tls_load();

// And compute what it computes lazily, in one handshake of each version: for a process whose forked children share the
// pages, or which serves many clients. server: the context that will be used; its keys are asked for nothing.
void tls_warm_up(const TlsContext* server = nullptr);

} // namespace posada::io
