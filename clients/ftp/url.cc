// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/url.h"

#include <algorithm>

#include "common/base/text.h"

namespace posada::ftp {

static Error wrong(const std::string& what) { return Error{Errc::invalid, 0, what}; }

// %HH; what cannot stand in a command is refused.
static Result<std::string> decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const auto octet = unhex(text.substr(i + 1, 2));
        if (!octet || octet->size() != 1) return wrong("a % is followed by two hexadecimal digits");
        out += *octet;
        i += 2;
    }
    if (has_control(out)) return wrong("a control octet has no place in an address");
    return out;
}

static Status parse_login(std::string_view text, Url& url) {
    const std::size_t colon = text.find(':');
    auto user = decode(text.substr(0, colon));
    if (!user) return user.error();
    url.user = std::move(*user);
    if (colon == std::string_view::npos) return {};
    auto password = decode(text.substr(colon + 1));
    if (!password) return password.error();
    url.password = std::move(*password);
    return {};
}

static Status parse_host(std::string_view text, Url& url) {
    std::size_t end = text.find(':');
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        if (bracket == std::string_view::npos) return wrong("the [ before the host has no ]");
        url.host = text.substr(1, bracket - 1);
        end = bracket + 1 == text.size() ? std::string_view::npos : bracket + 1;
        if (end != std::string_view::npos && text[end] != ':') return wrong("behind ] comes a : and the port");
    } else {
        url.host = text.substr(0, end);
    }
    if (url.host.empty() || has_control(url.host)) return wrong("there is no host in it");
    if (end == std::string_view::npos) return {};
    const auto port = parse_uint(text.substr(end + 1));
    if (!port || *port == 0 || *port > 65535) return wrong("the port is a number from 1 to 65535");
    url.port = static_cast<std::uint16_t>(*port);
    return {};
}

static Status parse_path(std::string_view text, Url& url) {
    const std::size_t semicolon = text.rfind(';');
    if (semicolon != std::string_view::npos && istarts_with(text.substr(semicolon), ";type=")) {
        const std::string type = ascii_upper(text.substr(semicolon + 6));
        if (type != "A" && type != "I" && type != "D") return wrong("the type is A, I or D");
        url.type = type[0];
        text = text.substr(0, semicolon);
    }
    auto path = decode(text);
    if (!path) return path.error();
    url.path = std::move(*path);
    return {};
}

Result<Url> parse_url(std::string_view text) {
    Url url;
    const std::size_t scheme = text.find("://");
    const std::string name = ascii_lower(text.substr(0, std::min(scheme, text.size())));
    if (scheme == std::string_view::npos || (name != "ftp" && name != "ftps"))
        return wrong("it begins with ftp:// or ftps://");
    url.tls = name == "ftps";
    text.remove_prefix(scheme + 3);
    const std::size_t slash = text.find('/');
    std::string_view authority = text.substr(0, slash);
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
        RETURN_IF_ERROR(parse_login(authority.substr(0, at), url));
        authority.remove_prefix(at + 1);
    }
    RETURN_IF_ERROR(parse_host(authority, url));
    if (slash != std::string_view::npos) RETURN_IF_ERROR(parse_path(text.substr(slash + 1), url));
    return url;
}

} // namespace posada::ftp
