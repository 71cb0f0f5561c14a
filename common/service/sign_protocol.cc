// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/sign_protocol.h"

#include "common/base/bytes.h"

namespace posada::service {

namespace {
constexpr std::size_t fixed_part = 4;
}

std::string encode(const io::SignRequest& request) {
    Writer w;
    w.u16(request.key);
    w.u8(static_cast<std::uint8_t>(request.hash));
    w.u8(static_cast<std::uint8_t>(request.padding));
    return w.take().append(request.bytes);
}

Result<io::SignRequest> decode_sign_request(std::string_view payload) {
    Reader r(payload.substr(0, fixed_part));
    io::SignRequest request;
    request.key = r.u16();
    const std::uint8_t hash = r.u8();
    const std::uint8_t padding = r.u8();
    RETURN_IF_ERROR(r.finish());
    if (hash > static_cast<std::uint8_t>(io::SignHash::sha512)) return Error{Errc::protocol, 0, "unknown hash"};
    if (padding > static_cast<std::uint8_t>(io::SignPadding::pss)) return Error{Errc::protocol, 0, "unknown padding"};
    request.hash = static_cast<io::SignHash>(hash);
    request.padding = static_cast<io::SignPadding>(padding);
    request.bytes = payload.substr(fixed_part);
    return request;
}

} // namespace posada::service
