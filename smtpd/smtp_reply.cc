// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/smtp_reply.h"

#include "common/base/text.h"

namespace posada::smtpd {

namespace {

constexpr std::size_t max_text = 400;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "5.7.1" at the start of text, alone or before a blank: class, 1-3 digits, 1-3 digits (RFC 3463 2).
std::string_view enhanced_code(std::string_view text) {
    std::size_t at = 0;
    for (unsigned part = 0; part < 3; ++part) {
        std::size_t digits = 0;
        while (at + digits < text.size() && is_digit(text[at + digits])) ++digits;
        if (digits == 0 || digits > (part == 0 ? 1U : 3U)) return {};
        at += digits;
        if (part == 2) break;
        if (at >= text.size() || text[at] != '.') return {};
        ++at;
    }
    return at == text.size() || text[at] == ' ' ? text.substr(0, at) : std::string_view();
}

Error not_a_reply(const char* why) { return Error{Errc::protocol, 0, std::string("the server's reply ") + why}; }

} // namespace

std::string SmtpReply::status() const {
    const std::string_view found = lines.empty() ? std::string_view() : enhanced_code(lines.front());
    const char wanted = static_cast<char>('0' + kind());
    if (!found.empty() && found.front() == wanted) return std::string(found);
    return std::string(1, wanted) + ".0.0";
}

std::string SmtpReply::text() const {
    std::string out = std::to_string(code);
    for (std::size_t i = 0; i < lines.size() && out.size() < max_text; ++i)
        out.append(i == 0 ? " " : " / ").append(escape_for_log(lines[i]));
    out.resize(std::min(out.size(), max_text));
    return out;
}

// True: this was the last line.
Result<bool> ReplyReader::add_line(std::string_view line) {
    if (line.size() < 3 || !is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2]))
        return not_a_reply("does not start with a code");
    const unsigned code = static_cast<unsigned>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
    if (code < 200 || code > 599) return not_a_reply("has a code outside 200-599");
    if (!reply_.lines.empty() && code != reply_.code) return not_a_reply("changes its code between lines");
    if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return not_a_reply("has no blank behind its code");
    if (reply_.lines.size() >= max_reply_lines) return not_a_reply("has too many lines");
    reply_.code = code;
    reply_.lines.emplace_back(line.size() > 4 ? line.substr(4) : std::string_view());
    return line.size() == 3 || line[3] == ' ';
}

Result<ReplyReader::Event> ReplyReader::consume(std::string_view input) {
    Event event;
    for (;;) {
        const proto::LineEvent line = lines_.consume(input.substr(event.consumed));
        event.consumed += line.consumed;
        switch (line.kind) {
        case proto::LineKind::need_more: return event;
        case proto::LineKind::too_long: return not_a_reply("has a line that is too long");
        case proto::LineKind::malformed: return not_a_reply("has a control character");
        case proto::LineKind::line: break;
        }
        auto last = add_line(line.line);
        if (!last) return last.error();
        if (!*last) continue;
        event.reply = std::move(reply_);
        reply_ = {};
        return event;
    }
}

} // namespace posada::smtpd
