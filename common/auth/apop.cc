// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/apop.h"

#include <openssl/evp.h>

#include "common/auth/scram.h"
#include "common/base/secret.h"

namespace posada::auth {

namespace {

constexpr std::size_t challenge_bytes = 16;

std::string hexadecimal(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        const auto u = static_cast<unsigned char>(c);
        out += {digits[u >> 4], digits[u & 15]};
    }
    return out;
}

} // namespace

std::string apop_challenge(std::string_view host) {
    return std::string("<").append(hexadecimal(random_bytes(challenge_bytes))).append("@").append(host).append(">");
}

std::string apop_digest(std::string_view challenge, std::string_view secret) {
    std::string text = std::string(challenge).append(secret);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const int done = ::EVP_Digest(text.data(), text.size(), digest, &size, ::EVP_md5(), nullptr);
    wipe(text);
    return done == 1 ? hexadecimal({reinterpret_cast<const char*>(digest), size}) : std::string();
}

} // namespace posada::auth
