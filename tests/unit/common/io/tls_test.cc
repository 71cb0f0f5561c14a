// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "common/base/clock.h"
#include "common/io/tls_pem.h"
#include "tests/support/test_certs.h"

namespace posada::io {
namespace {

using posada::test::issue;
using posada::test::make_ca;
using posada::test::make_self_signed;

std::string encrypted_key(const Certificate& certificate) {
    const auto key = parse_key(certificate.key_pem);
    const BioPtr out(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(out.get(), key->get(), EVP_aes_128_cbc(), nullptr, 0, nullptr,
                             const_cast<char*>("secret"));
    const char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

TEST(Certificate, key_and_certificate_that_belong_together_pass) {
    EXPECT_TRUE(check_certificate(make_self_signed({"a.test"})).ok());
    EXPECT_TRUE(check_certificate(make_self_signed({"a.test"}, KeyType::rsa_2048)).ok());
}

TEST(Certificate, a_foreign_key_is_refused_naming_the_certificate) {
    auto mixed = make_self_signed({"a.test"});
    mixed.key_pem = make_self_signed({"b.test"}).key_pem;
    const auto status = check_certificate(mixed);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, Errc::invalid);
    EXPECT_NE(status.error().text.find("does not belong to the certificate of CN=a.test"), std::string::npos)
        << status.error().text;
    TlsServerConfig config;
    config.certificates = {make_self_signed({"c.test"}), mixed};
    const auto context = TlsContext::make_server(config);
    ASSERT_FALSE(context.ok());
    EXPECT_EQ(context.error().text.find("certificate 2: "), 0U) << context.error().text;
}

TEST(Certificate, a_chain_in_the_wrong_order_gets_the_remedy) {
    const auto ca = make_ca();
    auto leaf = issue({"a.test"}, ca);
    leaf.chain_pem = ca.chain_pem + leaf.chain_pem;
    const auto status = check_certificate(leaf);
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().text.find("own certificate first"), std::string::npos);
}

TEST(Certificate, damaged_and_missing_parts_are_told_apart) {
    const auto good = make_self_signed({"a.test"});
    const auto text = [](std::string chain, std::string key) {
        const auto status = check_certificate({std::move(chain), std::move(key)});
        return status ? std::string("accepted") : status.error().text;
    };
    EXPECT_NE(text("", good.key_pem).find("no certificate"), std::string::npos);
    EXPECT_NE(text(good.key_pem, good.key_pem).find("no certificate"), std::string::npos);
    EXPECT_NE(text(good.chain_pem, "").find("no private key"), std::string::npos);
    EXPECT_NE(text(good.chain_pem, good.chain_pem).find("no private key"), std::string::npos);
    std::string damaged = good.chain_pem;
    damaged[100] = damaged[100] == 'A' ? 'B' : 'A';
    damaged[101] = '!';
    EXPECT_NE(text(damaged, good.key_pem).find("certificate 1 of the chain is damaged"), std::string::npos);
    EXPECT_NE(text(good.chain_pem + damaged, good.key_pem).find("certificate 2 of the chain is damaged"),
              std::string::npos);
}

TEST(Certificate, an_encrypted_key_is_refused_without_a_prompt) {
    auto locked = make_self_signed({"a.test"});
    locked.key_pem = encrypted_key(locked);
    const auto status = check_certificate(locked);
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().text.find("openssl pkey"), std::string::npos) << status.error().text;
}

TEST(Certificate, inspection_shows_names_validity_and_fingerprint) {
    const auto info =
        inspect_certificate(make_self_signed({"Mail.Micasa.TEST", "*.x.test", "192.0.2.7", "::1"}).chain_pem);
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(info->subject, "CN=Mail.Micasa.TEST");
    EXPECT_EQ(info->names, (std::vector<std::string>{"mail.micasa.test", "*.x.test", "192.0.2.7", "::1"}));
    EXPECT_EQ(info->sha256.size(), 64U);
    EXPECT_EQ(info->not_after - info->not_before, 3600 + 86400);
    EXPECT_FALSE(inspect_certificate("nothing").ok());
}

TEST(CertificateGeneration, issues_version_3_certificates_that_verify) {
    const auto ca = make_ca();
    const auto leaf = parse_chain(issue({"a.test"}, ca).chain_pem);
    const auto root = parse_chain(ca.chain_pem);
    ASSERT_TRUE(leaf.ok() && root.ok());
    std::unique_ptr<X509_STORE, OpensslFree<X509_STORE_free>> store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), root->front().get());
    std::unique_ptr<X509_STORE_CTX, OpensslFree<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), store.get(), leaf->front().get(), nullptr);
    X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
    X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_X509_STRICT);
    EXPECT_EQ(X509_verify_cert(context.get()), 1)
        << X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    EXPECT_EQ(X509_get_version(leaf->front().get()), X509_VERSION_3);
    EXPECT_EQ(X509_check_ca(leaf->front().get()), 0);
    EXPECT_NE(X509_check_ca(root->front().get()), 0);
}

TEST(CertificateGeneration, refuses_names_that_could_smuggle_an_extension) {
    for (const char* bad : {"a.test,DNS:evil.test", "a b", "", "a\n", "email:x", "@section"}) {
        const auto made = io::make_self_signed(posada::test::certificate_request({"good.test", bad}));
        ASSERT_FALSE(made.ok()) << bad;
        EXPECT_EQ(made.error().code, Errc::invalid);
    }
}

TEST(CertificateGeneration, refuses_an_empty_validity_and_bad_common_names) {
    auto request = posada::test::certificate_request({"a.test"});
    request.not_after = request.not_before;
    EXPECT_FALSE(io::make_self_signed(request).ok());
    request = posada::test::certificate_request({"a.test"});
    request.common_name = std::string(65, 'x');
    EXPECT_FALSE(io::make_self_signed(request).ok());
}

TEST(CertificateGeneration, an_authority_must_own_its_key) {
    auto ca = make_ca();
    ca.key_pem = make_ca().key_pem;
    EXPECT_FALSE(io::issue_certificate(posada::test::certificate_request({"a.test"}), ca).ok());
}

TEST(TlsContext, refuses_impossible_configurations) {
    TlsServerConfig config;
    EXPECT_FALSE(TlsContext::make_server(config).ok()) << "no certificate";
    config.certificates = {make_self_signed({"a.test"})};
    config.ticket_key = "short";
    EXPECT_FALSE(TlsContext::make_server(config).ok());
    config.ticket_key.clear();
    config.alpn = std::string(256, 'x');
    EXPECT_FALSE(TlsContext::make_server(config).ok());
    EXPECT_FALSE(TlsContext::make_client("no pem", true).ok());
}

TEST(TlsContext, ecdsa_and_rsa_certificates_of_one_name_share_a_context) {
    TlsServerConfig config;
    config.certificates = {make_self_signed({"a.test"}), make_self_signed({"a.test"}, KeyType::rsa_2048),
                           make_self_signed({"b.test"})};
    const auto context = TlsContext::make_server(config);
    ASSERT_TRUE(context.ok());
    SSL_CTX* ctx = (*context)->get();
    EXPECT_EQ((*context)->find("a.test"), ctx);
    EXPECT_NE((*context)->find("b.test"), ctx);
    int keys = 0;
    for (long more = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_FIRST); more == 1;
         more = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_NEXT))
        ++keys;
    EXPECT_EQ(keys, 2);
}

TEST(TlsContext, names_match_one_label_of_a_wildcard) {
    TlsServerConfig config;
    config.certificates = {make_self_signed({"*.a.test"})};
    const auto context = TlsContext::make_server(config);
    ASSERT_TRUE(context.ok());
    EXPECT_NE((*context)->find("x.a.test"), nullptr);
    EXPECT_NE((*context)->find("x.a.test."), nullptr) << "absolute form";
    for (const char* other : {"a.test", "x.y.a.test", ".a.test", "", ".", "*.b.test"})
        EXPECT_EQ((*context)->find(other), nullptr) << other;
}

TEST(TlsWarmUp, can_be_repeated_and_leaves_no_error_behind) {
    tls_warm_up();
    tls_warm_up();
    EXPECT_EQ(tls_error_text(), "unknown TLS error");
}

} // namespace
} // namespace posada::io
