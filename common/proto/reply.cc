// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/reply.h"

#include <cstdio>

#include "common/base/text.h"

namespace posada::proto {

namespace {

// text escaped and cut so that head + text + CRLF fit one line; an escape is never cut in half.
void append_line(std::string& out, std::string_view head, std::string_view text) {
    const std::size_t room = max_reply_line - 2 - head.size();
    out += head;
    std::size_t used = 0;
    for (const char c : text) {
        const std::string shown = reply_text(std::string_view(&c, 1));
        if (used + shown.size() > room) break;
        out += shown;
        used += shown.size();
    }
    out += "\r\n";
}

std::string numeric_head(unsigned code, char separator, std::string_view enhanced) {
    char digits[8];
    std::snprintf(digits, sizeof digits, "%03u%c", code % 1000, separator);
    std::string head(digits, 4);
    if (!enhanced.empty()) head.append(enhanced).append(" ");
    return head;
}

} // namespace

std::string reply_text(std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto u = static_cast<unsigned char>(c);
        if (u >= 0x20 && u < 0x7f) {
            out += c;
        } else {
            out += {'\\', 'x', digits[u >> 4], digits[u & 15]};
        }
    }
    return out;
}

std::string numeric_reply(unsigned code, std::string_view enhanced, std::string_view text) {
    std::string out;
    append_line(out, numeric_head(code, ' ', enhanced), text);
    return out;
}

std::string numeric_reply(unsigned code, std::string_view enhanced, std::span<const std::string> lines) {
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const char separator = i + 1 == lines.size() ? ' ' : '-';
        append_line(out, numeric_head(code, separator, enhanced), lines[i]);
    }
    return out;
}

std::string ok_reply(std::string_view text) {
    std::string out;
    append_line(out, text.empty() ? "+OK" : "+OK ", text);
    return out;
}

std::string err_reply(std::string_view text, std::string_view response_code) {
    std::string head = "-ERR ";
    if (!response_code.empty()) head.append("[").append(response_code).append("] ");
    std::string out;
    append_line(out, head, text);
    return out;
}

} // namespace posada::proto
