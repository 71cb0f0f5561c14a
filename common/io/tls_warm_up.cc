// SPDX-License-Identifier: BSD-2-Clause
// The dummy handshakes run over memory, with a certificate made for the purpose: no descriptor, no peer.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <ctime>

#include "common/io/certgen.h"
#include "common/io/tls.h"

namespace posada::io {
namespace {

using SslPtr = std::unique_ptr<ssl_st, SslFree>;

// Moves what one side wrote into the other.
void carry(SSL* from, SSL* to) {
    char buffer[16 * 1024];
    for (int n = 0; (n = BIO_read(SSL_get_wbio(from), buffer, sizeof buffer)) > 0;)
        BIO_write(SSL_get_rbio(to), buffer, n);
}

SslPtr make_side(const TlsContext& context, int version) {
    SslPtr ssl(SSL_new(context.get()));
    if (!ssl) return ssl;
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_min_proto_version(ssl.get(), version);
    SSL_set_max_proto_version(ssl.get(), version);
    return ssl;
}

void shake_hands(const TlsContext& server_context, const TlsContext& client_context, int version) {
    const SslPtr server = make_side(server_context, version);
    const SslPtr client = make_side(client_context, version);
    if (!server || !client) return;
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    for (int round = 0; round < 4; ++round) {
        SSL_do_handshake(client.get());
        carry(client.get(), server.get());
        SSL_do_handshake(server.get());
        carry(server.get(), client.get());
    }
    char byte = 'x';
    SSL_write(client.get(), &byte, 1);
    carry(client.get(), server.get());
    SSL_read(server.get(), &byte, 1);
    SSL_shutdown(server.get());
}

void use_key_type(KeyType type) {
    const std::time_t now = std::time(nullptr);
    const auto certificate = make_self_signed({"warm-up", {"warm-up.invalid"}, now - 86400, now + 86400, type});
    if (!certificate) return;
    TlsServerConfig config;
    config.certificates.push_back(*certificate);
    const auto server = TlsContext::make_server(config);
    const auto client = TlsContext::make_client({}, false);
    if (!server || !client) return;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) shake_hands(**server, **client, version);
}

// As far as the signature, for which nobody is there: what a remote key does is looked up once, here.
void use_context(const TlsContext& server) {
    const auto client = TlsContext::make_client({}, false);
    if (!client) return;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) shake_hands(server, **client, version);
}

} // namespace

void tls_load() {
    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_LOAD_CONFIG,
                     nullptr);
    unsigned char random[16];
    RAND_bytes(random, sizeof random);
}

void tls_warm_up(const TlsContext* server) {
    tls_load();
    use_key_type(KeyType::ecdsa_p256);
    if (server != nullptr) use_context(*server);
    ERR_clear_error();
}

} // namespace posada::io
