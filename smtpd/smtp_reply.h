// SPDX-License-Identifier: BSD-2-Clause
// ReplyReader: what another SMTP server answers, made into one bounded value. The other server is as hostile as any
// client: a line may be cut short, endless, or carry anything (CVE-2020-8794). Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/proto/line.h"

namespace posada::smtpd {

constexpr std::size_t max_reply_line_in = 2'048; // RFC 5321 4.5.3.1.5 says 512; some servers write more
constexpr std::size_t max_reply_lines = 200;

struct SmtpReply {
    unsigned code = 0;              // 200-599
    std::vector<std::string> lines; // text behind code and separator, raw
    [[nodiscard]] unsigned kind() const { return code / 100; }
    // "5.7.1" if the text starts with one of the code's class (RFC 2034), else "5.0.0" and so on.
    [[nodiscard]] std::string status() const;
    // "550 5.1.1 no such user / try elsewhere": one printable line, at most 400 octets.
    [[nodiscard]] std::string text() const;
};

class ReplyReader {
  public:
    ReplyReader() : lines_(max_reply_line_in) {}
    struct Event {
        std::size_t consumed = 0;
        std::optional<SmtpReply> reply; // a whole one
    };
    // At most one reply; call again with the rest. Errc::protocol: not an SMTP reply; give the connection up.
    Result<Event> consume(std::string_view input);
    // Part of a reply is held.
    [[nodiscard]] bool pending() const { return lines_.pending() || !reply_.lines.empty(); }

  private:
    Result<bool> add_line(std::string_view line);

    proto::LineReader lines_;
    SmtpReply reply_;
};

} // namespace posada::smtpd
