// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/reply.h"

#include <cstdio>

#include "common/base/text.h"

namespace posada::proto {

namespace {

// Octets of the character at the start of valid UTF-8.
std::size_t character_size(std::string_view text) {
    std::size_t n = 1;
    while (n < text.size() && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) ++n;
    return n;
}

// text escaped and cut so that head + text + CRLF fit one line; neither an escape nor a character is cut in half.
void append_line(std::string& out, std::string_view head, std::string_view text, Charset charset = Charset::ascii,
                 std::size_t longest = max_reply_line) {
    const std::size_t room = longest - 2 - head.size();
    const bool whole = charset == Charset::utf8 && is_valid_utf8(text);
    out += head;
    std::size_t used = 0;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, whole ? character_size(text) : 1);
        const std::string shown = one.size() > 1 ? std::string(one) : reply_text(one);
        if (used + shown.size() > room) break;
        out += shown;
        used += shown.size();
        text.remove_prefix(one.size());
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

std::string numeric_block(unsigned code, std::string_view first, std::span<const std::string> lines,
                          std::string_view last, Charset charset) {
    std::string out;
    append_line(out, numeric_head(code, '-', {}), first, charset, max_block_line);
    for (const std::string& line : lines) append_line(out, " ", line, charset, max_block_line);
    append_line(out, numeric_head(code, ' ', {}), last, charset, max_block_line);
    return out;
}

std::string ok_reply(std::string_view text, Charset charset) {
    std::string out;
    append_line(out, text.empty() ? "+OK" : "+OK ", text, charset);
    return out;
}

std::string err_reply(std::string_view text, std::string_view response_code, Charset charset) {
    std::string head = "-ERR ";
    if (!response_code.empty()) head.append("[").append(response_code).append("] ");
    std::string out;
    append_line(out, head, text, charset);
    return out;
}

} // namespace posada::proto
