// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/dot.h"

#include <algorithm>
#include <cstring>

namespace posada::proto {

namespace {
constexpr std::size_t npos = std::string_view::npos;
}

const char* data_fault_text(DataFault fault) noexcept {
    switch (fault) {
    case DataFault::none: return "none";
    case DataFault::bare_lf: return "bare <LF> in message data";
    case DataFault::bare_cr: return "bare <CR> in message data";
    case DataFault::nul: return "NUL in message data";
    case DataFault::too_large: return "message too large";
    }
    return "none";
}

void DotReader::count(std::uint64_t octets) {
    size_ += octets;
    if (size_ > max_size_ && fault_ == DataFault::none) fault_ = DataFault::too_large;
}

// in[at] is the first byte not yet looked at by the line scanner that state_ describes.
DotReader::Piece DotReader::refuse(DataFault why, std::string_view in, std::size_t at) {
    fault_ = why;
    Piece out = skip_refused(in.substr(at));
    out.consumed += at;
    return out;
}

DotReader::Piece DotReader::next(std::string_view in) {
    if (fault_ != DataFault::none && fault_ != DataFault::too_large) return skip_refused(in);
    if (state_ == State::dot || state_ == State::dot_cr) return after_dot(in);
    if (state_ == State::lf_start || state_ == State::lf_dot) return after_bare_lf(in);
    if (state_ == State::line_start && in.front() == '.') {
        state_ = State::dot;
        return {{}, 1, false};
    }
    return text(in);
}

// Repaired line ends: a lone dot behind one is what smuggling looks like, and is refused like everywhere else. Other
// dots are content: who does not know CRLF has not stuffed them either.
DotReader::Piece DotReader::after_bare_lf(std::string_view in) {
    const char c = in.front();
    if (state_ == State::lf_start && c == '.') {
        state_ = State::lf_dot;
        count(1);
        return {in.substr(0, 1), 1, false};
    }
    if (state_ == State::lf_dot && (c == '\n' || c == '\r')) {
        state_ = State::dot;
        return refuse(DataFault::bare_lf, in, 0);
    }
    state_ = State::text;
    return text(in);
}

// Content up to the next place where a dot would be at the start of a line, or to the end of the input.
DotReader::Piece DotReader::text(std::string_view in) {
    std::size_t at = 0;
    bool after_cr = state_ == State::cr;
    for (;;) {
        const std::size_t lf = in.find('\n', at);
        const std::size_t end = lf == npos ? in.size() : lf;
        const std::string_view line = in.substr(at, end - at);
        const std::size_t cr = line.find('\r');
        const bool ends_in_cr = !line.empty() && cr == line.size() - 1;
        if (after_cr && !line.empty()) return refuse(DataFault::bare_cr, in, at);
        if (line.substr(0, cr).find('\0') != npos) return refuse(DataFault::nul, in, at);
        if (cr != npos && (!ends_in_cr || lines_ == DataLines::lf)) return refuse(DataFault::bare_cr, in, at);
        if (lf == npos) {
            state_ = ends_in_cr ? State::cr : State::text;
            count(in.size());
            return {in, in.size(), false};
        }
        const bool bare = !ends_in_cr && !(after_cr && line.empty());
        if (bare && lines_ == DataLines::crlf) return refuse(DataFault::bare_lf, in, at);
        if (bare) {
            state_ = lines_ == DataLines::lf ? State::line_start : State::lf_start;
            count(lf + 2);
            return {in.substr(0, lf), lf + 1, true};
        }
        after_cr = false;
        at = lf + 1;
        state_ = State::line_start;
        if (at == in.size() || in[at] == '.') break;
    }
    count(at);
    return {in.substr(0, at), at, false};
}

// Behind a dot that starts a line: the end, or a stuffed dot, which is dropped.
DotReader::Piece DotReader::after_dot(std::string_view in) {
    const char c = in.front();
    const bool crlf = lines_ != DataLines::lf;
    if (c == '\n' && (state_ == State::dot_cr || !crlf)) {
        ended_ = true;
        return {{}, 1, false};
    }
    if (state_ == State::dot_cr) return refuse(DataFault::bare_cr, in, 0);
    if (c == '\n') return refuse(DataFault::bare_lf, in, 0);
    if (c == '\r' && !crlf) return refuse(DataFault::bare_cr, in, 0);
    if (c == '\r') {
        state_ = State::dot_cr;
        return {{}, 1, false};
    }
    state_ = State::text;
    return text(in);
}

// The message is refused and the connection will be closed: finds the next line that is a dot alone, whether its ends
// are LF or CRLF. What follows is never read, so a wrong guess can only lose input, not turn content into commands.
DotReader::Piece DotReader::skip_refused(std::string_view in) {
    std::size_t used = 0;
    while (used < in.size() && !ended_) {
        const char c = in[used++];
        const bool in_dot = state_ == State::dot || state_ == State::dot_cr;
        if (c == '\n') {
            ended_ = in_dot;
            state_ = State::line_start;
        } else if (c == '.' && state_ == State::line_start) {
            state_ = State::dot;
        } else if (c == '\r' && state_ == State::dot) {
            state_ = State::dot_cr;
        } else {
            state_ = State::text;
        }
    }
    return {{}, used, false};
}

void DotWriter::write(std::string_view text, std::string& out) {
    if (text.empty()) return;
    if (pending_cr_) {
        pending_cr_ = false;
        if (text.front() != '\n') content(" ", out);
    }
    if (wrap_ == 0 && text.find('\r') == npos) return lines(text, out);
    std::size_t at = 0;
    for (std::size_t lf = text.find('\n'); lf != npos; lf = text.find('\n', at)) {
        std::size_t end = lf;
        if (end > at && text[end - 1] == '\r') --end;
        content(text.substr(at, end - at), out);
        out += "\r\n";
        column_ = 0;
        at = lf + 1;
    }
    std::string_view tail = text.substr(at);
    if (!tail.empty() && tail.back() == '\r') {
        pending_cr_ = true;
        tail.remove_suffix(1);
    }
    content(tail, out);
}

// What nearly every stored message is, with LF alone and no limit on lines: a pass of memchr and memcpy, by way of a
// buffer that holds whatever so many octets can become.
void DotWriter::lines(std::string_view text, std::string& out) {
    constexpr std::size_t slice = 4096;
    char buffer[2 * slice + 1];
    while (!text.empty()) {
        const char* from = text.data();
        const char* const end = from + std::min(slice, text.size());
        char* to = buffer;
        while (from != end) {
            if (column_ == 0 && *from == '.') *to++ = '.';
            const auto left = static_cast<std::size_t>(end - from);
            const auto* lf = static_cast<const char*>(std::memchr(from, '\n', left));
            const std::size_t octets = lf == nullptr ? left : static_cast<std::size_t>(lf - from);
            std::memcpy(to, from, octets);
            to += octets;
            from += octets;
            column_ += octets;
            if (lf == nullptr) break;
            *to++ = '\r';
            *to++ = '\n';
            ++from;
            column_ = 0;
        }
        out.append(buffer, static_cast<std::size_t>(to - buffer));
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    }
}

// A part of one line, without its line end; stray CRs become spaces.
void DotWriter::content(std::string_view text, std::string& out) {
    while (!text.empty()) {
        const std::size_t cr = text.find('\r');
        part(text.substr(0, cr), out);
        if (cr == npos) return;
        part(" ", out);
        text.remove_prefix(cr + 1);
    }
}

void DotWriter::part(std::string_view text, std::string& out) {
    while (!text.empty()) {
        if (column_ == 0 && text.front() == '.') out += '.';
        const bool fits = wrap_ == 0 || column_ + text.size() <= wrap_;
        const std::size_t take = fits ? text.size() : wrap_ - column_;
        out.append(text.substr(0, take));
        column_ += take;
        text.remove_prefix(take);
        if (text.empty()) return;
        out += "\r\n ";
        column_ = 1;
    }
}

void DotWriter::finish(std::string& out) {
    if (pending_cr_) content(" ", out);
    pending_cr_ = false;
    if (column_ != 0) out += "\r\n";
    column_ = 0;
    out += ".\r\n";
}

} // namespace posada::proto
