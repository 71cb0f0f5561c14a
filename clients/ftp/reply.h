// SPDX-License-Identifier: BSD-2-Clause
// Replies of a server, put together from lines (RFC 959 §4.2). Pure. A server that does not stop talking is cut off: no
// reply has more than max_reply_lines lines or max_reply_octets octets.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace posada::ftp {

constexpr std::size_t max_reply_line = 16 * 1024; // a path, and what is said beside it
constexpr std::size_t max_reply_lines = 10'000;
constexpr std::size_t max_reply_octets = 1024 * 1024;

struct Reply {
    unsigned code = 0;
    std::vector<std::string> lines; // as they came, without line ends; never empty
    [[nodiscard]] unsigned kind() const { return code / 100; }
    [[nodiscard]] bool ok() const { return kind() == 2; }
    // The last line behind its code.
    [[nodiscard]] std::string_view text() const;
};

class ReplyReader {
  public:
    // Nothing while the reply goes on; Errc::protocol for what is no reply, Errc::limit above the bounds.
    Result<std::optional<Reply>> add(std::string_view line);
    [[nodiscard]] bool pending() const { return !reply_.lines.empty(); }

  private:
    Reply reply_;
    std::size_t octets_ = 0;
};

// "4187" of "150 Opening BINARY mode data connection for x (4187 bytes)."
std::optional<std::uint64_t> announced_size(std::string_view text);

} // namespace posada::ftp
