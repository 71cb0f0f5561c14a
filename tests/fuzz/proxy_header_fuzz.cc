// SPDX-License-Identifier: BSD-2-Clause
// PROXY headers: what is found at the end is found at every length above the header's and is "more" below it, or the
// mistake is seen early; a header never reaches beyond its limit.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/proto/proxy_header.h"

using namespace posada::proto;

static void require(bool condition) {
    if (!condition) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 1024));
    ProxyHeaderKind seen = ProxyHeaderKind::need_more;
    for (std::size_t n = 0; n <= bytes.size(); ++n) {
        const ProxyHeader header = read_proxy_header(bytes.substr(0, n));
        require(seen == ProxyHeaderKind::need_more || header.kind == seen);
        seen = header.kind;
        require(header.size <= n && header.size <= max_proxy_header);
        require(n <= max_proxy_header || seen != ProxyHeaderKind::need_more);
        const bool found = seen == ProxyHeaderKind::client || seen == ProxyHeaderKind::no_client;
        require(found == (header.size != 0));
        require((seen == ProxyHeaderKind::client) == !header.address.empty());
        require(header.address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos);
    }
    return 0;
}
