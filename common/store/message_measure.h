// SPDX-License-Identifier: BSD-2-Clause
// MessageMeasure: how long a stored message is once its line ends are CRLF, counted while it is written or read.
// POP3 promises in LIST the octets that RETR will send (RFC 1939 §11), and files on disk have LF, CRLF or a mixture.
#pragma once

#include <cstdint>
#include <string_view>

namespace posada::store {

class MessageMeasure {
  public:
    void add(std::string_view bytes);

    [[nodiscard]] std::uint64_t stored() const { return stored_; }
    // With every LF as CRLF: what Dovecot calls the virtual size.
    [[nodiscard]] std::uint64_t virtual_size() const { return stored_ + bare_lf_; }
    // With every LF as CRLF and an unfinished last line ended. A CR of no line end counts as one octet.
    [[nodiscard]] std::uint64_t with_crlf() const {
        return stored_ + bare_lf_ + (stored_ != 0 && last_ != '\n' ? 2 : 0);
    }
    // What a reader is sent: with_crlf, and a blank line behind a header that has none. A CR at the very end of such a
    // header becomes part of its line end.
    [[nodiscard]] std::uint64_t sent() const { return with_crlf() + (header_end_ ? 0 : last_ == '\r' ? 1 : 2); }

  private:
    std::uint64_t stored_ = 0;
    std::uint64_t bare_lf_ = 0;
    std::uint64_t line_ = 0; // octets of the line under way
    char last_ = '\0';
    bool header_end_ = false;
};

} // namespace posada::store
