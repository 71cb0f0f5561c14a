// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/ftp/quote.h"

namespace posada::proto::ftp {

std::string quote_path(std::string_view path) {
    std::string out = "\"";
    for (const char c : path) out.append(c == '"' ? 2 : 1, c);
    return out += '"';
}

std::optional<std::string> unquote_path(std::string_view text) {
    const std::size_t open = text.find('"');
    if (open == std::string_view::npos) return std::nullopt;
    std::string out;
    for (std::size_t i = open + 1; i < text.size(); ++i) {
        if (text[i] != '"') {
            out += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == '"') {
            out += text[i++];
        } else {
            return out;
        }
    }
    return std::nullopt;
}

} // namespace posada::proto::ftp
