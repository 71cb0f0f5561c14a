// SPDX-License-Identifier: BSD-2-Clause
// What a compromised net process could ask the signer for: byte 0 says whether a listener is legacy, the rest is the
// request. What is decoded is encoded again to the same octets; what may be signed begins and ends as a handshake does.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/io/tls_server_sign.h"
#include "common/service/sign_protocol.h"

using namespace posada;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

unsigned octet(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes.at(at)); }

// A plain restatement of what the signer's rules let through.
void require_handshake(const io::SignRequest& request, bool legacy) {
    const std::string_view bytes = request.bytes;
    require(bytes.size() <= io::max_signed_bytes);
    const bool old_hash = request.hash == io::SignHash::sha1 || request.hash == io::SignHash::md5_sha1;
    require(!old_hash || legacy);
    if (bytes.substr(0, 98) == std::string(64, ' ') + std::string("TLS 1.3, server CertificateVerify\0", 34)) {
        require(bytes.size() == 98 + 32 || bytes.size() == 98 + 48);
        return require(!old_hash && request.padding != io::SignPadding::pkcs1);
    }
    const bool ecdhe = octet(bytes, 64) == 3 && bytes.size() == 64 + 4 + octet(bytes, 67) && octet(bytes, 67) > 0;
    if (ecdhe) return;
    require(legacy);
    std::size_t at = 64;
    for (int part = 0; part < 3; ++part) at += 2 + octet(bytes, at) * 256 + octet(bytes, at + 1);
    require(at == bytes.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (input.empty()) return 0;
    const bool legacy = (input[0] & 1) != 0;
    const auto asked = from_bytes<service::Sign>(input.substr(1));
    if (!asked) {
        require(asked.error().code == Errc::protocol);
        return 0;
    }
    require(to_bytes(*asked) == input.substr(1));
    const io::SignRequest request = asked->request();
    const Status allowed = io::check_server_signature(request, legacy);
    if (allowed) return require_handshake(request, legacy), 0;
    require(allowed.error().code == Errc::protocol);
    return 0;
}
