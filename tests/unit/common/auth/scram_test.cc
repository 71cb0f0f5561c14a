// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/scram.h"

#include <gtest/gtest.h>

namespace posada::auth {
namespace {

// RFC 7677 §3: user "user", password "pencil".
const std::string rfc_salt = *unbase64("W22ZaJ0SNY7soEsUEjb6gQ==");
const std::string rfc_bare = "n=user,r=rOprNGfwEbeRWgbNEkqO";
const std::string rfc_nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string rfc_server_first = "r=" + rfc_nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string rfc_auth = rfc_bare + "," + rfc_server_first + ",c=biws,r=" + rfc_nonce;
const std::string rfc_proof = *unbase64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
const std::string rfc_signature = *unbase64("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");

ScramExchange rfc_exchange() {
    ScramExchange e;
    e.user = "user";
    e.client_first_bare = rfc_bare;
    e.server_first = rfc_server_first;
    e.nonce = rfc_nonce;
    e.gs2_header = "n,,";
    return e;
}

TEST(Scram, Rfc7677ServerAcceptsTheProofAndSignsAsInTheExample) {
    const ScramVerifier verifier = derive_verifier("pencil", rfc_salt, 4096);
    const auto signature = check_proof(&verifier, rfc_auth, rfc_proof);
    ASSERT_TRUE(signature.ok());
    EXPECT_EQ(base64(*signature), base64(rfc_signature));
}

TEST(Scram, Rfc7677ClientMakesTheProofOfTheExample) {
    const ScramClientFinal out = client_final("pencil", rfc_salt, 4096, rfc_auth);
    EXPECT_EQ(base64(out.proof), base64(rfc_proof));
    EXPECT_EQ(base64(out.server_signature), base64(rfc_signature));
}

TEST(Scram, Rfc7677ServerFirstIsBuiltAsInTheExample) {
    const auto nonce = client_nonce(rfc_bare);
    ASSERT_TRUE(nonce.ok());
    EXPECT_EQ(scram_server_first(*nonce, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", rfc_salt, 4096), rfc_server_first);
}

TEST(Scram, AProofWithAnyBitFlippedIsDenied) {
    const ScramVerifier verifier = derive_verifier("pencil", rfc_salt, 4096);
    for (std::size_t i = 0; i < rfc_proof.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string proof = rfc_proof;
            proof[i] = static_cast<char>(proof[i] ^ (1 << bit));
            EXPECT_FALSE(check_proof(&verifier, rfc_auth, proof).ok()) << i << "." << bit;
        }
    }
}

TEST(Scram, AnAuthMessageWithAnyByteChangedIsDenied) {
    const ScramVerifier verifier = derive_verifier("pencil", rfc_salt, 4096);
    for (std::size_t i = 0; i < rfc_auth.size(); ++i) {
        std::string message = rfc_auth;
        message[i] = static_cast<char>(message[i] ^ 1);
        EXPECT_FALSE(check_proof(&verifier, message, rfc_proof).ok()) << i;
    }
}

TEST(Scram, ProofsOfOtherLengthsAreDenied) {
    const ScramVerifier verifier = derive_verifier("pencil", rfc_salt, 4096);
    for (const std::size_t size : {0U, 1U, 31U, 33U, 64U})
        EXPECT_FALSE(check_proof(&verifier, rfc_auth, (rfc_proof + rfc_proof).substr(0, size)).ok()) << size;
}

TEST(Scram, AMissingVerifierIsAlwaysDeniedEvenForTheProofOfItsJunkKeys) {
    const std::string zero(sha256_size, '\0');
    EXPECT_FALSE(check_proof(nullptr, rfc_auth, zero).ok());
    EXPECT_FALSE(check_proof(nullptr, rfc_auth, hmac_sha256(zero, rfc_auth)).ok());
}

TEST(Scram, AnExchangeIsBoundToItsOwnMessages) {
    const ScramExchange e = rfc_exchange();
    EXPECT_TRUE(e.bound(rfc_auth).ok());
    EXPECT_TRUE(e.bound(rfc_auth + ",x=extension").ok());
    const std::string start = rfc_bare + "," + rfc_server_first;
    EXPECT_FALSE(e.bound("n=other,r=rOprNGfwEbeRWgbNEkqO," + rfc_server_first + ",c=biws,r=" + rfc_nonce).ok());
    EXPECT_FALSE(e.bound(start + ",c=biws,r=" + rfc_nonce + "x").ok());
    EXPECT_FALSE(e.bound(start + ",c=biws,r=rOprNGfwEbeRWgbNEkqO").ok());
    EXPECT_FALSE(e.bound(start + ",c=biws").ok());
    EXPECT_FALSE(e.bound(start + ",r=" + rfc_nonce).ok());
    EXPECT_FALSE(e.bound(start).ok());
    EXPECT_FALSE(e.bound("").ok());
    EXPECT_FALSE(ScramExchange().bound(",,c=,r=").ok());
}

TEST(Scram, TheGs2HeaderMustBeTheOneOfTheFirstMessage) {
    ScramExchange e = rfc_exchange();
    const std::string start = rfc_bare + "," + rfc_server_first + ",c=";
    const std::string end = ",r=" + rfc_nonce;
    EXPECT_FALSE(e.bound(start + base64("y,,") + end).ok());
    EXPECT_FALSE(e.bound(start + base64("n,,binding") + end).ok());
    EXPECT_FALSE(e.bound(start + "biw" + end).ok());
    e.gs2_header = "p=tls-exporter,,";
    e.plus = true;
    EXPECT_TRUE(e.bound(start + base64("p=tls-exporter,,0123456789abcdef0123456789abcdef") + end).ok());
    EXPECT_FALSE(e.bound(start + base64("p=tls-exporter,,") + end).ok());
    EXPECT_FALSE(e.bound(start + base64("n,,") + end).ok());
}

TEST(Scram, ClientNoncesThatAreNotPrintableOrMissingAreRefused) {
    EXPECT_EQ(*client_nonce("n=u,r=abc,x=y"), "abc");
    for (const std::string bare : {"", "n=u", "n=u,r=", "n=u,r=a b", "n=u,r=a\x80", "n=u,s=abc"})
        EXPECT_FALSE(client_nonce(bare).ok()) << bare;
    EXPECT_FALSE(client_nonce(std::string("n=u,r=a\0b", 9)).ok());
    EXPECT_FALSE(client_nonce("n=u,r=" + std::string(257, 'a')).ok());
}

TEST(Scram, AVerifierSurvivesItsText) {
    const ScramVerifier made = new_verifier("correct horse");
    const auto read = ScramVerifier::parse(made.text());
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->iterations, scram_iterations);
    EXPECT_EQ(read->salt, made.salt);
    EXPECT_EQ(read->stored_key, made.stored_key);
    EXPECT_EQ(read->server_key, made.server_key);
    EXPECT_EQ(made.text().find(':'), std::string::npos) << "a colon would end the field";
}

TEST(Scram, MalformedVerifiersAreRefused) {
    const std::string good = derive_verifier("pencil", rfc_salt, 4096).text();
    ASSERT_TRUE(ScramVerifier::parse(good).ok());
    const std::string keys = good.substr(good.find("W22"));
    for (const std::string& bad :
         {std::string(), std::string("x"), "SCRAM-SHA-1,4096," + keys, "SCRAM-SHA-256,4095," + keys,
          "SCRAM-SHA-256,1000001," + keys, "SCRAM-SHA-256,-1," + keys, "SCRAM-SHA-256,4096,AAAA" + keys.substr(24),
          good + ",x", good.substr(0, good.size() - 1), good.substr(0, good.rfind(',')), good + "="})
        EXPECT_FALSE(ScramVerifier::parse(bad).ok()) << bad;
}

TEST(Scram, JunkSaltIsTheSameForTheSameNameAndDiffersOtherwise) {
    EXPECT_EQ(junk_salt("secret", "pamplona"), junk_salt("secret", "pamplona"));
    EXPECT_NE(junk_salt("secret", "pamplona"), junk_salt("secret", "hungry"));
    EXPECT_NE(junk_salt("secret", "pamplona"), junk_salt("other", "pamplona"));
    EXPECT_EQ(junk_salt("secret", "pamplona").size(), scram_salt_size);
}

TEST(Base64, DecodingIsStrict) {
    EXPECT_EQ(*unbase64(""), "");
    EXPECT_EQ(*unbase64("AA=="), std::string(1, '\0'));
    EXPECT_EQ(base64(std::string("\0\xff\x10", 3)), "AP8Q");
    for (const char* bad :
         {"A", "AA", "AAA", "AA=A", "A===", "====", "AB==", "AA==AA==", "AA= =", " AA==", "A*==", "AAA=\n"})
        EXPECT_FALSE(unbase64(bad).has_value()) << bad;
}

} // namespace
} // namespace posada::auth
