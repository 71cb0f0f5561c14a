// SPDX-License-Identifier: BSD-2-Clause
// Addresses of files: ftp://user:password@host:port/path;type=I (RFC 1738 §3.2) and ftps, which is TLS from the first
// octet. Pure. An address that would put a line end or a zero octet into a command is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace posada::ftp {

struct Url {
    bool tls = false;
    std::optional<std::string> user;
    std::optional<std::string> password;
    std::string host;       // without the brackets of IPv6
    std::uint16_t port = 0; // 0: the usual one
    std::string path;       // from the directory in which a login ends; "/x" for ftp://host//x and ftp://host/%2Fx
    char type = 'I';        // A, I, or D: a listing of names
    [[nodiscard]] bool is_directory() const { return path.empty() || path.back() == '/'; }
};

// Errc::invalid, with a text that names what is wrong.
Result<Url> parse_url(std::string_view text);

} // namespace posada::ftp
