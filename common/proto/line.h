// SPDX-License-Identifier: BSD-2-Clause
// LineReader: cuts a byte stream into command lines. Pure: it keeps the unfinished line itself, so that any split of
// the stream gives the same lines, and never eats a byte behind a line end (what follows STARTTLS stays with the
// caller).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posada::proto {

// A line always ends at LF, also at a bare one, which is noted: people type commands with nc. A bare CR or a NUL makes
// the line malformed. What may end a line of a message is decided in dot.h.
enum class LineKind : unsigned char {
    need_more, // all input eaten, no line end yet
    line,      // event.line is a line
    too_long,  // the whole over-long line has been swallowed; reported once, at its end
    malformed, // event.line holds it; one of the flags says why
};

struct LineEvent {
    LineKind kind = LineKind::need_more;
    std::string_view line;    // without its line end; valid until the next call and as long as the input
    std::size_t consumed = 0; // bytes of the input
    bool bare_lf = false;     // ended by LF alone
    bool bare_cr = false;     // has a CR that is not part of CRLF
    bool nul = false;
};

class LineReader {
  public:
    // max_line: octets of a line including its line end, as RFC 5321 4.5.3.1 counts.
    explicit LineReader(std::size_t max_line) : max_line_(max_line) {}

    // At most one line; call again with the rest of the input until need_more.
    LineEvent consume(std::string_view input);
    void set_max_line(std::size_t octets) { max_line_ = octets; }
    // True when bytes of an unfinished line are held: the peer closed in the middle of a line.
    [[nodiscard]] bool pending() const { return !partial_.empty() || swallowing_; }
    // Forgets an unfinished line: nothing of the time before a TLS handshake may stay (CVE-2011-0411).
    void reset();

  private:
    LineEvent finish(std::string_view line, std::size_t consumed);
    LineEvent keep(std::string_view input);

    std::size_t max_line_;
    std::string partial_;
    std::string current_; // the line last returned when it came in pieces
    bool swallowing_ = false;
};

} // namespace posada::proto
