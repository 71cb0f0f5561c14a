// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/message.h"

#include "common/base/text.h"
#include "common/proto/ftp/control_line.h"

namespace posada::ftpd {

namespace {

struct Cookie {
    char letter;
    std::string MessageFacts::*fact;
};
constexpr Cookie cookies[] = {
    {'T', &MessageFacts::time},  {'C', &MessageFacts::directory}, {'R', &MessageFacts::client},
    {'L', &MessageFacts::host},  {'U', &MessageFacts::user},      {'u', &MessageFacts::user},
    {'E', &MessageFacts::email}, {'M', &MessageFacts::sessions},
};

void append_cookie(std::string& out, char letter, const MessageFacts& facts) {
    if (letter == '%') {
        out += '%';
        return;
    }
    for (const Cookie& cookie : cookies) {
        if (cookie.letter != letter) continue;
        out += facts.*cookie.fact;
        return;
    }
    out.append({'%', letter});
}

} // namespace

std::string expand_message(std::string_view text, const MessageFacts& facts) {
    std::string out;
    while (!text.empty()) {
        const std::size_t at = text.find('%');
        out.append(text.substr(0, at));
        if (at == std::string_view::npos) break;
        if (at + 1 == text.size()) {
            out += '%';
            break;
        }
        append_cookie(out, text[at + 1], facts);
        text.remove_prefix(at + 2);
    }
    return out;
}

std::string message_reply(unsigned code, std::string_view text) {
    std::string out;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    if (text.empty()) return out;
    std::size_t lines = 0;
    for (std::string_view line : split(text, '\n')) {
        if (++lines > most_message_lines) break;
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        out.append(std::to_string(code)).append("-").append(proto::ftp::control_text(line)).append("\r\n");
    }
    return out;
}

} // namespace posada::ftpd
