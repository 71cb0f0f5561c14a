// SPDX-License-Identifier: BSD-2-Clause
// Handshakes with a key that is elsewhere, and what the elsewhere signs.
#include "common/io/tls_remote_key.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <optional>

#include "common/io/tls_server_sign.h"
#include "tests/support/test_certs.h"
#include "tests/unit/common/io/stream_fixture.h"

namespace posada::io {
namespace {

using namespace test;

std::string pem_of(const BioPtr& bio) {
    const char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

// Of any type that openssl genpkey knows.
Certificate self_signed(EVP_PKEY* key) {
    const X509Ptr x509(X509_new());
    X509_set_version(x509.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
    X509_set_pubkey(x509.get(), key);
    const bool edwards = EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1;
    EXPECT_GT(X509_sign(x509.get(), key, edwards ? nullptr : EVP_sha256()), 0);
    const BioPtr chain(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(chain.get(), x509.get());
    const BioPtr pem(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(pem.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    return {pem_of(chain), pem_of(pem)};
}

PkeyPtr make_key(const std::string& type) {
    if (type == "RSA") return PkeyPtr(EVP_RSA_gen(2048));
    if (type.substr(0, 2) == "P-") return PkeyPtr(EVP_EC_gen(type.c_str()));
    const std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>> context(
        EVP_PKEY_CTX_new_from_name(nullptr, type.c_str(), nullptr));
    EVP_PKEY* made = nullptr;
    EVP_PKEY_keygen_init(context.get());
    if (type == "RSA-PSS") EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), 2048);
    EXPECT_EQ(EVP_PKEY_generate(context.get(), &made), 1) << type;
    return PkeyPtr(made);
}

class RemoteKey : public StreamTest {
  protected:
    // Both ends over a socket; the server has certificates only.
    bool shake(const std::vector<Certificate>& certificates, int version, TlsProfile profile = TlsProfile::modern) {
        TlsServerConfig config;
        config.profile = profile;
        keys.clear();
        for (const Certificate& one : certificates) {
            keys.push_back(std::move(*parse_key(one.key_pem)));
            config.certificates.push_back({one.chain_pem, {}});
        }
        const auto context = TlsContext::make_server(config);
        if (!context) ADD_FAILURE() << context.error().text;
        const auto peer = *TlsContext::make_client({}, false);
        if (version < TLS1_2_VERSION) SSL_CTX_set_cipher_list(peer->get(), "ALL:@SECLEVEL=0");
        SSL_CTX_set_min_proto_version(peer->get(), version);
        SSL_CTX_set_max_proto_version(peer->get(), version);
        if (!groups.empty()) SSL_CTX_set1_groups_list(peer->get(), groups.c_str());
        if (!ciphers.empty()) SSL_CTX_set_cipher_list(peer->get(), ciphers.c_str());
        auto [a, b] = tcp_pair();
        server = End();
        client = End();
        server.open(*loop, std::move(a));
        client.open(*loop, std::move(b));
        server.stream->start_tls_server(*context, [this](const SignRequest& request) -> Result<std::string> {
            asked.push_back(request);
            asked_bytes = request.bytes;
            if (refusal) return *refusal;
            return sign_as_server(keys.at(request.key).get(), request, legacy);
        });
        client.stream->start_tls_client(peer, {});
        EXPECT_TRUE(until([&] { return !server.handshakes.empty() && !client.handshakes.empty(); }));
        if (!server.handshakes.back()) why = server.handshakes.back().error().text;
        return server.handshakes.back().ok() && client.handshakes.back().ok();
    }
    std::string why;
    std::vector<PkeyPtr> keys;
    std::vector<SignRequest> asked;
    std::string asked_bytes; // of the last
    std::string groups;
    std::string ciphers;
    std::optional<Error> refusal;
    bool legacy = false;
    End server;
    End client;
};

TEST_F(RemoteKey, every_type_of_key_shakes_hands_in_tls12_and_tls13) {
    for (const char* type : {"RSA", "P-256", "P-384", "P-521", "ED25519", "ED448", "RSA-PSS"}) {
        const Certificate certificate = self_signed(make_key(type).get());
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            asked.clear();
            EXPECT_TRUE(shake({certificate}, version))
                << type << " " << version << " "
                << (server.handshakes.back() ? "" : server.handshakes.back().error().text);
            EXPECT_EQ(asked.size(), 1U) << type;
            client.stream->write("x");
            EXPECT_TRUE(until([&] { return server.received == "x"; }));
        }
    }
}

TEST_F(RemoteKey, every_group_of_a_key_exchange_is_signed) {
    const Certificate certificate = posada::test::make_self_signed({"a.test"}, KeyType::rsa_2048);
    for (const char* group : {"X25519", "X448", "P-256", "P-384", "P-521"}) {
        groups = group;
        EXPECT_TRUE(shake({certificate}, TLS1_2_VERSION)) << group << why;
        EXPECT_TRUE(shake({certificate}, TLS1_3_VERSION)) << group;
    }
}

TEST_F(RemoteKey, a_legacy_listener_signs_with_the_old_hashes_and_dhe) {
    legacy = true;
    const std::vector<Certificate> rsa{self_signed(make_key("RSA").get())};
    EXPECT_TRUE(shake(rsa, TLS1_VERSION, TlsProfile::legacy)) << why;
    EXPECT_EQ(asked.back().hash, SignHash::md5_sha1);
    EXPECT_TRUE(shake({self_signed(make_key("P-256").get())}, TLS1_1_VERSION, TlsProfile::legacy)) << why;
    EXPECT_EQ(asked.back().hash, SignHash::sha1);
    ciphers = "DHE-RSA-AES128-SHA:@SECLEVEL=0";
    EXPECT_TRUE(shake(rsa, TLS1_2_VERSION, TlsProfile::legacy));
}

TEST_F(RemoteKey, nothing_is_decrypted) {
    legacy = true;
    ciphers = "AES128-SHA:@SECLEVEL=0"; // RSA key exchange: the server decrypts
    EXPECT_FALSE(shake({self_signed(make_key("RSA").get())}, TLS1_2_VERSION, TlsProfile::legacy));
    EXPECT_TRUE(asked.empty());
}

TEST_F(RemoteKey, a_second_certificate_is_signed_for_by_its_number) {
    const Certificate rsa = posada::test::make_self_signed({"a.test"}, KeyType::rsa_2048);
    const Certificate ecdsa = posada::test::make_self_signed({"a.test"});
    ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    EXPECT_TRUE(shake({rsa, ecdsa}, TLS1_2_VERSION));
    EXPECT_EQ(asked.back().key, 1);
    ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
    EXPECT_TRUE(shake({rsa, ecdsa}, TLS1_2_VERSION));
    EXPECT_EQ(asked.back().key, 0);
}

TEST_F(RemoteKey, a_signer_that_does_not_sign_is_named) {
    refusal = Error{Errc::closed, 0, "the signer is gone"};
    EXPECT_FALSE(shake({posada::test::make_self_signed({"a.test"})}, TLS1_3_VERSION));
    EXPECT_NE(server.handshakes.back().error().text.find("the signer is gone"), std::string::npos)
        << server.handshakes.back().error().text;
}

TEST_F(RemoteKey, the_key_has_no_private_part_to_read) {
    const PkeyPtr real = make_key("RSA");
    const auto chain = parse_chain(self_signed(real.get()).chain_pem);
    const auto remote = make_remote_key(chain->front().get(), 0, std::make_shared<SignSlot>());
    ASSERT_TRUE(remote.ok());
    EXPECT_EQ(EVP_PKEY_eq(remote->get(), real.get()), 1);
    BIGNUM* exponent = nullptr;
    EXPECT_EQ(EVP_PKEY_get_bn_param(remote->get(), "d", &exponent), 0);
    const BioPtr out(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_PrivateKey(out.get(), remote->get(), nullptr, nullptr, 0, nullptr, nullptr), 0);
    EXPECT_NE(EVP_PKEY_eq(make_key("RSA").get(), remote->get()), 1);
}

// ---- what may be signed ----

std::string certificate_verify(std::size_t hash = 32) {
    return std::string(64, ' ') + std::string("TLS 1.3, server CertificateVerify\0", 34) + std::string(hash, 'h');
}

std::string server_key_exchange(const std::string& params) { return std::string(64, 'r') + params; }

std::string point(std::size_t size) {
    return std::string("\x03\x00\x1d", 3) + static_cast<char>(size) + std::string(size, 'p');
}

Status check(const std::string& bytes, SignHash hash = SignHash::sha256, SignPadding padding = SignPadding::none,
             bool legacy = false) {
    return check_server_signature({0, hash, padding, bytes}, legacy);
}

TEST(ServerSignature, of_tls13_is_the_certificate_verify_of_a_server) {
    EXPECT_TRUE(check(certificate_verify()).ok());
    EXPECT_TRUE(check(certificate_verify(48), SignHash::sha384, SignPadding::pss).ok());
    EXPECT_FALSE(check(certificate_verify(47)).ok());
    EXPECT_FALSE(check(certificate_verify() + "x").ok());
    EXPECT_FALSE(check(certificate_verify(), SignHash::sha1).ok());
    EXPECT_FALSE(check(certificate_verify(), SignHash::sha256, SignPadding::pkcs1).ok());
    std::string of_client = certificate_verify();
    of_client.replace(of_client.find("server"), 6, "client");
    EXPECT_FALSE(check(of_client).ok());
    EXPECT_FALSE(check(certificate_verify().substr(1)).ok());
}

TEST(ServerSignature, of_tls12_is_a_server_key_exchange) {
    EXPECT_TRUE(check(server_key_exchange(point(32))).ok());
    EXPECT_TRUE(check(server_key_exchange(point(133)), SignHash::sha512, SignPadding::pkcs1).ok());
    EXPECT_FALSE(check(server_key_exchange(point(32) + "x")).ok());
    EXPECT_FALSE(check(server_key_exchange(point(32)).substr(0, 90)).ok());
    EXPECT_FALSE(check(server_key_exchange(point(0))).ok());
    EXPECT_FALSE(check(server_key_exchange({})).ok());
    EXPECT_FALSE(check("a message that somebody would like to have signed").ok());
    EXPECT_FALSE(check(std::string(1000, '\x03')).ok());
}

TEST(ServerSignature, old_hashes_and_dhe_are_for_legacy_listeners) {
    const std::string dhe = server_key_exchange(std::string("\x00\x01p\x00\x01g\x00\x02YY", 10));
    EXPECT_TRUE(check(dhe, SignHash::md5_sha1, SignPadding::pkcs1, true).ok());
    EXPECT_FALSE(check(dhe, SignHash::sha256, SignPadding::pkcs1).ok());
    EXPECT_FALSE(check(dhe + "x", SignHash::sha256, SignPadding::pkcs1, true).ok());
    EXPECT_TRUE(check(server_key_exchange(point(32)), SignHash::sha1, SignPadding::none, true).ok());
    EXPECT_FALSE(check(server_key_exchange(point(32)), SignHash::sha1).ok());
    EXPECT_FALSE(check(certificate_verify(), SignHash::sha1, SignPadding::none, true).ok());
}

TEST(ServerSignature, a_key_signs_what_its_type_signs) {
    const PkeyPtr rsa = make_key("RSA");
    const PkeyPtr edwards = make_key("ED25519");
    const std::string bytes = certificate_verify();
    EXPECT_TRUE(sign_as_server(rsa.get(), {0, SignHash::sha256, SignPadding::pss, bytes}, false).ok());
    EXPECT_FALSE(sign_as_server(rsa.get(), {0, SignHash::sha256, SignPadding::none, bytes}, false).ok());
    EXPECT_TRUE(sign_as_server(edwards.get(), {0, SignHash::none, SignPadding::none, bytes}, false).ok());
    EXPECT_FALSE(sign_as_server(edwards.get(), {0, SignHash::sha256, SignPadding::none, bytes}, false).ok());
    EXPECT_FALSE(sign_as_server(rsa.get(), {0, SignHash::none, SignPadding::pss, bytes}, false).ok());
    EXPECT_FALSE(sign_as_server(rsa.get(), {0, SignHash::sha256, SignPadding::pss, "pay 100 to mallory"}, false).ok());
}

} // namespace
} // namespace posada::io
