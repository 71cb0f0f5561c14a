// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/scram.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>

#include "common/base/secret.h"
#include "common/base/text.h"

namespace posada::auth {

namespace {

constexpr std::string_view verifier_tag = "SCRAM-SHA-256";

const unsigned char* bytes_of(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* bytes_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

std::string exclusive_or(std::string_view a, std::string_view b) {
    std::string out(a);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ b[i]);
    return out;
}

std::string salted_password(std::string_view password, std::string_view salt, std::uint32_t iterations) {
    std::string out(sha256_size, '\0');
    const int ok = ::PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes_of(salt),
                                       static_cast<int>(salt.size()), static_cast<int>(iterations), ::EVP_sha256(),
                                       static_cast<int>(out.size()), bytes_of(out));
    if (ok != 1) std::abort(); // out of memory
    return out;
}

Error bad_verifier(std::string_view why) {
    return Error{Errc::corrupt, 0, std::string("SCRAM verifier: ").append(why)};
}

} // namespace

std::string hmac_sha256(std::string_view key, std::string_view data) {
    std::string out(sha256_size, '\0');
    unsigned size = 0;
    // HMAC() of an empty key wants a pointer all the same.
    const char* const key_start = key.empty() ? "" : key.data();
    if (::HMAC(::EVP_sha256(), key_start, static_cast<int>(key.size()), bytes_of(data), data.size(), bytes_of(out),
               &size) == nullptr)
        std::abort();
    return out;
}

std::string sha256(std::string_view data) {
    std::string out(sha256_size, '\0');
    if (::EVP_Digest(data.data(), data.size(), bytes_of(out), nullptr, ::EVP_sha256(), nullptr) != 1) std::abort();
    return out;
}

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    if (::RAND_bytes(bytes_of(out), static_cast<int>(count)) != 1) std::abort();
    return out;
}

std::string base64(std::string_view bytes) {
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int size = ::EVP_EncodeBlock(bytes_of(out), bytes_of(bytes), static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::optional<std::string> unbase64(std::string_view text) {
    if (text.size() % 4 != 0 || text.size() > 1'000'000) return std::nullopt;
    std::string out(text.size() / 4 * 3, '\0');
    if (text.empty()) return out;
    const int size = ::EVP_DecodeBlock(bytes_of(out), bytes_of(text), static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    const std::size_t padding = text.substr(text.size() - 2) == "==" ? 2 : text.back() == '=' ? 1 : 0;
    out.resize(out.size() - padding);
    if (base64(out) != text) return std::nullopt; // blanks, stray '=' or bits that are not zero
    return out;
}

std::string ScramVerifier::text() const {
    std::string out(verifier_tag);
    out.append(",").append(std::to_string(iterations)).append(",").append(base64(salt));
    out.append(",").append(base64(stored_key)).append(",").append(base64(server_key));
    return out;
}

Result<ScramVerifier> ScramVerifier::parse(std::string_view text) {
    const auto parts = split(text, ',');
    if (parts.size() != 5) return bad_verifier("five parts between commas are expected");
    if (parts[0] != verifier_tag) return bad_verifier("only SCRAM-SHA-256 is known");
    const auto iterations = parse_uint(parts[1]);
    if (!iterations || *iterations < scram_iterations_least || *iterations > scram_iterations_most)
        return bad_verifier("the iterations are a number from 4096 to 1000000");
    auto salt = unbase64(parts[2]);
    auto stored = unbase64(parts[3]);
    auto server = unbase64(parts[4]);
    if (!salt || salt->size() < 8 || salt->size() > 64) return bad_verifier("the salt is 8 to 64 bytes in base64");
    if (!stored || stored->size() != sha256_size) return bad_verifier("the stored key is 32 bytes in base64");
    if (!server || server->size() != sha256_size) return bad_verifier("the server key is 32 bytes in base64");
    ScramVerifier out;
    out.iterations = static_cast<std::uint32_t>(*iterations);
    out.salt = std::move(*salt);
    out.stored_key = std::move(*stored);
    out.server_key = std::move(*server);
    return out;
}

ScramVerifier derive_verifier(std::string_view password, std::string_view salt, std::uint32_t iterations) {
    std::string salted = salted_password(password, salt, iterations);
    std::string client_key = hmac_sha256(salted, "Client Key");
    ScramVerifier out;
    out.iterations = iterations;
    out.salt = salt;
    out.stored_key = sha256(client_key);
    out.server_key = hmac_sha256(salted, "Server Key");
    wipe(salted);
    wipe(client_key);
    return out;
}

ScramVerifier new_verifier(std::string_view password) {
    return derive_verifier(password, random_bytes(scram_salt_size), scram_iterations);
}

std::string junk_salt(std::string_view secret, std::string_view name) {
    return hmac_sha256(secret, name).substr(0, scram_salt_size);
}

Result<std::string_view> client_nonce(std::string_view client_first_bare) {
    for (const std::string_view part : split(client_first_bare, ',')) {
        if (part.substr(0, 2) != "r=") continue;
        const std::string_view nonce = part.substr(2);
        // RFC 5802 §7: printable = %x21-2B / %x2D-7E
        const bool printable = std::all_of(nonce.begin(), nonce.end(), [](char c) { return c > 0x20 && c < 0x7F; });
        if (nonce.empty() || nonce.size() > 256 || !printable) break;
        return nonce;
    }
    return Error{Errc::invalid, 0, "no usable client nonce"};
}

std::string scram_server_first(std::string_view client_nonce, std::string_view own_nonce, std::string_view salt,
                               std::uint32_t iterations) {
    std::string out("r=");
    out.append(client_nonce).append(own_nonce).append(",s=").append(base64(salt));
    return out.append(",i=").append(std::to_string(iterations));
}

Status ScramExchange::bound(std::string_view auth_message) const {
    const Error refused{Errc::denied, 0, "not-this-exchange"};
    const std::string start = client_first_bare + "," + server_first + ",c=";
    if (nonce.empty() || auth_message.substr(0, start.size()) != start) return refused;
    // client-final-without-proof = c=<base64>,r=<nonce>[,extensions]
    const std::string_view rest = auth_message.substr(start.size());
    const std::string_view binding = rest.substr(0, rest.find(','));
    const auto header = unbase64(binding);
    if (!header || header->substr(0, gs2_header.size()) != gs2_header) return refused;
    if (plus != (header->size() > gs2_header.size())) return refused;
    const std::string_view after = rest.substr(binding.size());
    const std::string expected = ",r=" + nonce;
    if (after.substr(0, expected.size()) != expected) return refused;
    if (after.size() > expected.size() && after[expected.size()] != ',') return refused;
    return {};
}

Result<std::string> check_proof(const ScramVerifier* verifier, std::string_view auth_message,
                                std::string_view client_proof) {
    const std::string junk(sha256_size, '\0');
    const std::string& stored = verifier == nullptr ? junk : verifier->stored_key;
    const std::string& server = verifier == nullptr ? junk : verifier->server_key;
    const std::string client_signature = hmac_sha256(stored, auth_message);
    std::string server_signature = hmac_sha256(server, auth_message);
    const std::string_view proof = client_proof.size() == sha256_size ? client_proof : std::string_view(junk);
    std::string client_key = exclusive_or(client_signature, proof);
    const bool fits = equal_constant_time(sha256(client_key), stored);
    wipe(client_key);
    if (verifier == nullptr || client_proof.size() != sha256_size || !fits)
        return Error{Errc::denied, 0, "bad-password"};
    return server_signature;
}

ScramClientFinal client_final(std::string_view password, std::string_view salt, std::uint32_t iterations,
                              std::string_view auth_message) {
    std::string salted = salted_password(password, salt, iterations);
    std::string client_key = hmac_sha256(salted, "Client Key");
    ScramClientFinal out;
    out.proof = exclusive_or(client_key, hmac_sha256(sha256(client_key), auth_message));
    out.server_signature = hmac_sha256(hmac_sha256(salted, "Server Key"), auth_message);
    wipe(salted);
    wipe(client_key);
    return out;
}

} // namespace posada::auth
