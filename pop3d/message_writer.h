// SPDX-License-Identifier: BSD-2-Clause
// MessageWriter: a stored message as RETR and TOP send it (RFC 1939 §3, §5, §7): CRLF line ends, dots stuffed, a blank
// line behind a header that has none, NUL as 0x80 (Outlook stops reading at a NUL and hangs without the blank line),
// and the final ".". Pure; takes the file in pieces of any size, so that no message is ever whole in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/proto/dot.h"

namespace posada::pop3d {

class MessageWriter {
  public:
    // body_lines: of TOP; none = all.
    explicit MessageWriter(std::optional<std::uint64_t> body_lines) : body_lines_(body_lines) {}

    // Appends to out what this piece of the file becomes.
    void write(std::string_view text, std::string& out);
    // Nothing behind this is needed: TOP has its lines.
    [[nodiscard]] bool satisfied() const { return satisfied_; }
    void finish(std::string& out);

  private:
    std::size_t wanted(std::string_view text);
    void end_line();

    proto::DotWriter dots_;
    std::optional<std::uint64_t> body_lines_;
    std::uint64_t lines_sent_ = 0; // of the body
    std::uint64_t line_ = 0;       // octets of the line under way
    char last_ = '\0';
    bool in_header_ = true;
    bool satisfied_ = false;
    std::string clean_; // text with NULs replaced
};

} // namespace posada::pop3d
