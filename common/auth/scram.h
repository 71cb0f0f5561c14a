// SPDX-License-Identifier: BSD-2-Clause
// SCRAM-SHA-256 (RFC 5802, RFC 7677), the part that knows secrets. The net process parses the messages; here the
// auth message is opaque bytes, except that it must start with what this side said and heard (so the nonce is ours).
// Channel binding is checked by the net process, which has the TLS exporter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace posada::auth {

constexpr std::size_t sha256_size = 32;
constexpr std::size_t scram_salt_size = 16;
constexpr std::uint32_t scram_iterations = 15'000; // RFC 7677 §4: at least 4096
constexpr std::uint32_t scram_iterations_least = 4'096;
constexpr std::uint32_t scram_iterations_most = 1'000'000; // what a client can be asked to compute

// What the users file keeps instead of a password.
struct ScramVerifier {
    std::uint32_t iterations = 0;
    std::string salt;       // raw bytes
    std::string stored_key; // 32 bytes
    std::string server_key; // 32 bytes
    // "SCRAM-SHA-256,15000,<salt>,<StoredKey>,<ServerKey>", base64.
    [[nodiscard]] std::string text() const;
    static Result<ScramVerifier> parse(std::string_view text);
};

std::string hmac_sha256(std::string_view key, std::string_view data);
std::string sha256(std::string_view data);
std::string random_bytes(std::size_t count); // aborts when the system has no entropy
std::string base64(std::string_view bytes);
std::optional<std::string> unbase64(std::string_view text); // strict: padding required, no blanks

// The password's bytes are used as they are: for ASCII that is what SASLprep (RFC 4013) gives.
ScramVerifier derive_verifier(std::string_view password, std::string_view salt, std::uint32_t iterations);
ScramVerifier new_verifier(std::string_view password);
// For a name without a verifier: always the same salt for the same name, so that asking twice tells nothing.
std::string junk_salt(std::string_view secret, std::string_view name);

// The value of r= in "n=user,r=nonce"; Errc::invalid when absent, empty, over 256 bytes or not printable ASCII.
Result<std::string_view> client_nonce(std::string_view client_first_bare);
// "r=<client nonce><own nonce>,s=<salt>,i=<iterations>"
std::string scram_server_first(std::string_view client_nonce, std::string_view own_nonce, std::string_view salt,
                               std::uint32_t iterations);
// What is remembered between the two messages of an exchange.
struct ScramExchange {
    std::string user;
    std::string client_first_bare;
    std::string server_first;
    std::string nonce;      // client's + ours
    std::string gs2_header; // "n,,", "y,," or "p=tls-exporter,,"
    bool plus = false;      // channel binding data follow the header in c=
    // auth_message is client_first_bare "," server_first ",c=" base64(gs2_header ...) ",r=" nonce: anything else is
    // Errc::denied.
    [[nodiscard]] Status bound(std::string_view auth_message) const;
};
// ServerSignature when the proof fits the verifier, else Errc::denied. verifier == nullptr: the same work, then denied.
Result<std::string> check_proof(const ScramVerifier* verifier, std::string_view auth_message,
                                std::string_view client_proof);

// The client's side, for tests and for `posada test`.
struct ScramClientFinal {
    std::string proof;            // 32 bytes
    std::string server_signature; // what the server must answer
};
ScramClientFinal client_final(std::string_view password, std::string_view salt, std::uint32_t iterations,
                              std::string_view auth_message);

} // namespace posada::auth
