// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/control.h"

#include <array>

#include "common/base/text.h"

namespace posada::ftp {

Error refusal(const Reply& reply) {
    return Error{reply.code == 421 ? Errc::closed : Errc::denied, 0, reply.lines.back()};
}

static std::string on_the_wire(std::string_view line) {
    std::string out;
    for (const char c : line) {
        out += c;
        if (c == '\xff') out += c; // Telnet's IAC, doubled (RFC 959 §4, RFC 854)
    }
    return out + "\r\n";
}

Status Control::send(std::string_view line) {
    constexpr std::string_view ends("\r\n\0", 3);
    if (line.find_first_of(ends) != std::string_view::npos)
        return Error{Errc::invalid, 0, "a name with a line end or a zero octet in it cannot be sent"};
    if (settings_.debug)
        screen_.line("---> " + (istarts_with(line, "PASS ") ? std::string("PASS XXXX") : std::string(line)));
    return wire_.write(on_the_wire(line), settings_.patience);
}

Result<Reply> Control::command(std::string_view line, Show show) {
    RETURN_IF_ERROR(send(line));
    return reply(show);
}

Result<std::string> Control::line(Millis patience) {
    for (;;) {
        const proto::LineEvent event = lines_.consume(pending_);
        const std::string text(event.kind == proto::LineKind::need_more ? std::string_view{} : event.line);
        pending_.erase(0, event.consumed);
        if (event.kind == proto::LineKind::too_long) return Error{Errc::limit, 0, "the server sent an endless line"};
        if (event.kind != proto::LineKind::need_more) return text;
        std::array<char, 4096> buffer{};
        auto got = wire_.read(buffer, patience);
        if (!got && got.error().code == Errc::timeout) return Error{Errc::unavailable, 0, "the server does not answer"};
        if (!got) return got.error();
        if (*got == 0) return Error{Errc::closed, 0, "the server closed the connection"};
        pending_.assign(buffer.data(), *got);
        if (endless_ += *got; endless_ > max_reply_octets)
            return Error{Errc::limit, 0, "the server's reply does not end"};
    }
}

void Control::show_reply(const Reply& reply, Show show) const {
    const bool wanted = show == Show::always || reply.kind() >= 4 || (show == Show::as_set && settings_.verbose);
    if (show == Show::nothing ? settings_.debug : wanted)
        for (const std::string& line : reply.lines) screen_.line(line);
}

Result<Reply> Control::reply(Show show) { return reply(show, settings_.patience); }

Result<Reply> Control::reply(Show show, Millis patience) {
    ReplyReader reader;
    endless_ = 0;
    for (;;) {
        auto text = line(patience);
        if (!text) return text.error();
        auto whole = reader.add(*text);
        if (!whole) return whole.error();
        if (!*whole) continue;
        show_reply(**whole, show);
        return std::move(**whole);
    }
}

Status Control::start_tls(const std::shared_ptr<io::TlsContext>& context, const std::string& name) {
    if (!pending_.empty() || lines_.pending())
        return Error{Errc::protocol, 0, "the server sent something in clear after it had agreed to TLS"};
    return wire_.start_tls(context, name, nullptr, settings_.patience);
}

} // namespace posada::ftp
