// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/client_address.h"

#include "common/base/bytes.h"

namespace posada::service {

std::string encode_client_address(const io::Address& client) {
    Writer w;
    w.str(client.ip());
    w.u16(client.port());
    return w.take();
}

Result<io::Address> decode_client_address(std::string_view payload) {
    Reader r(payload);
    const std::string ip(r.str());
    const std::uint16_t port = r.u16();
    RETURN_IF_ERROR(r.finish());
    return io::Address::parse(ip, port);
}

} // namespace posada::service
