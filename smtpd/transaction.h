// SPDX-License-Identifier: BSD-2-Clause
// The envelope of one message while its dialog runs, the ESMTP parameters that fill it, and what must be learnt from
// the content on its way through: hops, size of the header, eight-bit octets. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/proto/addr822.h"

namespace posada::smtpd {

struct AcceptedRecipient {
    proto::Mailbox mailbox;
    bool local = true; // a mailbox of this host; else by a route
};

struct MailTransaction {
    proto::Mailbox sender;
    std::vector<AcceptedRecipient> recipients;
    bool body_8bit = false;          // BODY=8BITMIME, or octets above 127 were seen
    std::uint64_t declared_size = 0; // SIZE=, 0 = not said
    [[nodiscard]] bool has(const proto::Mailbox& mailbox) const;
};

struct Parameter {
    std::string_view name;
    std::optional<std::string_view> value;
};
// "SIZE=100 BODY=8BITMIME"; nullopt when one is not esmtp-keyword["=" esmtp-value] (RFC 5321 4.1.2) or comes twice.
std::optional<std::vector<Parameter>> parse_parameters(std::string_view text);
// RFC 3461 4: "+" and two upper-case hexadecimal digits; nullopt if malformed or if it hides a control character.
std::optional<std::string> decode_xtext(std::string_view text);

// Reads the content as it passes. The header ends at the first empty line, or before the first line that is neither a
// field nor the continuation of one; so a message may have no header at all.
class ContentScanner {
  public:
    void write(std::string_view content);
    [[nodiscard]] unsigned received_fields() const { return received_; }
    [[nodiscard]] std::uint64_t header_size() const { return header_size_; }
    [[nodiscard]] bool eight_bit() const { return eight_bit_; }

  private:
    enum class At : std::uint8_t { line_start, empty_line, name, value, body };
    void header(std::string_view content);
    At after(char c);

    At at_ = At::line_start;
    bool eight_bit_ = false;
    unsigned received_ = 0;
    std::uint64_t header_size_ = 0;
    std::string name_; // of the field under way, as far as it is of interest
};

// "Subject: x", "Subject:": a field name of printable characters and a colon (RFC 5322 2.2).
bool is_header_field(std::string_view line);

} // namespace posada::smtpd
