// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/tls.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "common/io/tls_bio.h"
#include "common/io/tls_pem.h"
#include "common/io/tls_remote_key.h"

namespace posada::io {
namespace {

constexpr std::size_t ticket_key_size = 80;
constexpr std::size_t read_buffer = 64 * 1024;
// TLS 1.2; TLS 1.3's own list stays OpenSSL's. Forward secrecy always.
constexpr const char* modern_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL:!SHA1";
constexpr const char* legacy_ciphers = "ALL:!aNULL:!eNULL:@SECLEVEL=0";

Error openssl_error(const std::string& what) { return Error{Errc::invalid, 0, what + ": " + tls_error_text()}; }

// What servers and clients share. Read-ahead: one recv takes many records; the buffer is given back when idle.
Result<SslCtxPtr> new_context(const SSL_METHOD* method, TlsProfile profile) {
    ERR_clear_error();
    SslCtxPtr ctx(SSL_CTX_new(method));
    if (!ctx) return openssl_error("cannot make a TLS context");
    const bool legacy = profile == TlsProfile::legacy;
    if (legacy) SSL_CTX_set_security_level(ctx.get(), 0);
    SSL_CTX_set_options(ctx.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_PRIORITIZE_CHACHA);
    // The system's configuration may have switched old versions off; the profile decides, not the system.
    if (legacy) SSL_CTX_clear_options(ctx.get(), SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
    SSL_CTX_set_mode(ctx.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx.get(), 1);
    SSL_CTX_set_default_read_buffer_len(ctx.get(), read_buffer);
    SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF); // processes are many and short: tickets only
    if (SSL_CTX_set_min_proto_version(ctx.get(), legacy ? TLS1_VERSION : TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx.get(), 0) != 1 ||
        SSL_CTX_set_cipher_list(ctx.get(), legacy ? legacy_ciphers : modern_ciphers) != 1)
        return openssl_error("TLS versions and ciphers");
    return ctx;
}

Status use_certificate(SSL_CTX* ctx, const std::vector<X509Ptr>& chain, EVP_PKEY* key) {
    if (SSL_CTX_use_certificate(ctx, chain.front().get()) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
        return openssl_error(subject_of(chain.front().get()));
    for (std::size_t i = 1; i < chain.size(); ++i)
        if (SSL_CTX_add1_chain_cert(ctx, chain[i].get()) != 1) return openssl_error(subject_of(chain[i].get()));
    return {};
}

// Has this context no certificate of this key type yet?
bool lacks_key_type(SSL_CTX* ctx, const EVP_PKEY* key) {
    bool found = false;
    for (long more = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_FIRST); more == 1;
         more = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_NEXT)) {
        const EVP_PKEY* have = SSL_CTX_get0_privatekey(ctx);
        found = found || (have != nullptr && EVP_PKEY_get_base_id(have) == EVP_PKEY_get_base_id(key));
    }
    return !found;
}

Status load_system_store(SSL_CTX* ctx) {
    for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}) {
        ERR_clear_error();
        if (SSL_CTX_load_verify_file(ctx, path) == 1) return {};
    }
    ERR_clear_error();
    return Error{Errc::not_found, 0, "no system certificate store; install the package ca-certificates"};
}

Status load_store(SSL_CTX* ctx, std::string_view pem) {
    auto chain = parse_chain(pem);
    if (!chain) return chain.error();
    X509_STORE* store = SSL_CTX_get_cert_store(ctx);
    for (const X509Ptr& one : *chain)
        if (X509_STORE_add_cert(store, one.get()) != 1) return openssl_error(subject_of(one.get()));
    return {};
}

} // namespace

void SslCtxFree::operator()(ssl_ctx_st* p) const noexcept { SSL_CTX_free(p); }
void SslFree::operator()(ssl_st* p) const noexcept { SSL_free(p); }
void BioMethodFree::operator()(bio_method_st* p) const noexcept { BIO_meth_free(p); }

// Builds a TlsContext, and the C side of its callbacks.
struct TlsAccess {
    static int choose_server(SSL* ssl, int*, void* arg) noexcept {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
        SSL_CTX* ctx = static_cast<TlsContext*>(arg)->find(name);
        // An unknown name gets the default certificate: mail clients then show which one it is.
        if (ctx == nullptr) return SSL_TLSEXT_ERR_NOACK;
        SSL_set_SSL_CTX(ssl, ctx);
        return SSL_TLSEXT_ERR_OK;
    }

    static int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                               unsigned offered_size, void* arg) noexcept {
        const std::string& ours = static_cast<TlsContext*>(arg)->alpn_wire_;
        unsigned char* chosen = nullptr;
        const int found = SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                                                static_cast<unsigned>(ours.size()), offered, offered_size);
        if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
        *out = chosen;
        return SSL_TLSEXT_ERR_OK;
    }

    static Status configure(TlsContext& self, SSL_CTX* ctx, const TlsServerConfig& config) {
        static constexpr unsigned char session_context[] = "posada";
        SSL_CTX_set_session_id_context(ctx, session_context, sizeof session_context - 1);
        SSL_CTX_set_num_tickets(ctx, 1);
        SSL_CTX_set_dh_auto(ctx, config.profile == TlsProfile::legacy ? 1 : 0);
        SSL_CTX_set_tlsext_servername_callback(ctx, &TlsAccess::choose_server);
        SSL_CTX_set_tlsext_servername_arg(ctx, &self);
        if (!self.alpn_wire_.empty()) SSL_CTX_set_alpn_select_cb(ctx, &TlsAccess::choose_protocol, &self);
        if (config.ticket_key.empty()) return {};
        std::string key = config.ticket_key; // OpenSSL's control takes a non-const pointer
        if (SSL_CTX_set_tlsext_ticket_keys(ctx, key.data(), static_cast<long>(key.size())) != 1)
            return openssl_error("ticket key");
        return {};
    }

    static SSL_CTX* same_names(const TlsContext& self, const std::vector<std::string>& names, const EVP_PKEY* key) {
        for (const SslCtxPtr& ctx : self.contexts_) {
            const X509* leaf = SSL_CTX_get0_certificate(ctx.get());
            if (leaf != nullptr && names_of(leaf) == names && lacks_key_type(ctx.get(), key)) return ctx.get();
        }
        return nullptr;
    }

    static Result<PkeyPtr> key_of(const TlsContext& self, const TlsServerConfig& config, std::size_t index,
                                  X509* leaf) {
        const std::string& pem = config.certificates[index].key_pem;
        if (!pem.empty()) return parse_key(pem);
        return make_remote_key(leaf, static_cast<std::uint16_t>(index), self.sign_slot_);
    }

    static Status add(TlsContext& self, const TlsServerConfig& config, std::size_t index) {
        auto chain = parse_chain(config.certificates[index].chain_pem);
        if (!chain) return chain.error();
        auto key = key_of(self, config, index, chain->front().get());
        if (!key) return key.error();
        RETURN_IF_ERROR(check_key(*chain, key->get()));
        const std::vector<std::string> names = names_of(chain->front().get());
        SSL_CTX* ctx = same_names(self, names, key->get());
        if (ctx != nullptr) return use_certificate(ctx, *chain, key->get());
        auto made = new_context(TLS_server_method(), config.profile);
        if (!made) return made.error();
        ctx = made->get();
        self.contexts_.push_back(std::move(*made));
        RETURN_IF_ERROR(configure(self, ctx, config));
        RETURN_IF_ERROR(use_certificate(ctx, *chain, key->get()));
        for (const std::string& name : names) self.by_name_.emplace_back(name, ctx);
        return {};
    }

    static std::shared_ptr<TlsContext> make() {
        std::shared_ptr<TlsContext> out(new TlsContext);
        out->sign_slot_ = std::make_shared<SignSlot>();
        out->bio_method_.reset(make_tls_bio_method());
        return out;
    }

    static Result<std::shared_ptr<TlsContext>> make_client(std::string_view ca_pem, bool verify) {
        auto out = make();
        auto ctx = new_context(TLS_client_method(), TlsProfile::modern);
        if (!ctx) return ctx.error();
        SSL_CTX_set_verify(ctx->get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
        if (verify) RETURN_IF_ERROR(ca_pem.empty() ? load_system_store(ctx->get()) : load_store(ctx->get(), ca_pem));
        out->contexts_.push_back(std::move(*ctx));
        return out;
    }

    static Result<std::shared_ptr<TlsContext>> make_server(const TlsServerConfig& config) {
        auto out = make();
        if (!config.alpn.empty()) out->alpn_wire_ = static_cast<char>(config.alpn.size()) + config.alpn;
        for (std::size_t i = 0; i < config.certificates.size(); ++i) {
            auto added = add(*out, config, i);
            if (!added)
                return Error{added.error().code, 0, "certificate " + std::to_string(i + 1) + ": " + added.error().text};
        }
        return out;
    }
};

Result<std::shared_ptr<TlsContext>> TlsContext::make_server(const TlsServerConfig& config) {
    if (config.certificates.empty()) return Error{Errc::invalid, 0, "a TLS server needs a certificate"};
    if (!config.ticket_key.empty() && config.ticket_key.size() != ticket_key_size)
        return Error{Errc::invalid, 0, "a ticket key has 80 bytes"};
    if (config.alpn.size() > 255) return Error{Errc::invalid, 0, "an ALPN name has at most 255 bytes"};
    return TlsAccess::make_server(config);
}

Result<std::shared_ptr<TlsContext>> TlsContext::make_client(std::string_view ca_pem, bool verify) {
    return TlsAccess::make_client(ca_pem, verify);
}

Status TlsContext::isolate_sessions() {
    constexpr long cached_sessions = 4; // there is one client
    constexpr long a_week = 7L * 24 * 3600;
    std::array<unsigned char, ticket_key_size> key{};
    if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) return openssl_error("ticket key");
    for (const SslCtxPtr& ctx : contexts_) {
        SSL_CTX_set_timeout(ctx.get(), a_week);
        SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_SERVER);
        SSL_CTX_sess_set_cache_size(ctx.get(), cached_sessions);
        if (SSL_CTX_set_tlsext_ticket_keys(ctx.get(), key.data(), static_cast<long>(key.size())) != 1)
            return openssl_error("ticket key");
    }
    OPENSSL_cleanse(key.data(), key.size());
    return {};
}

ssl_ctx_st* TlsContext::find(std::string_view server_name) const {
    const auto exact = [&](const std::string& name) -> ssl_ctx_st* {
        const auto at = std::find_if(by_name_.begin(), by_name_.end(), [&](const auto& p) { return p.first == name; });
        return at == by_name_.end() ? nullptr : at->second;
    };
    std::string name = ascii_lower(server_name);
    if (!name.empty() && name.back() == '.') name.pop_back();
    if (ssl_ctx_st* found = exact(name)) return found;
    const std::size_t dot = name.find('.');
    return dot == std::string::npos || dot == 0 ? nullptr : exact("*" + name.substr(dot));
}

} // namespace posada::io
