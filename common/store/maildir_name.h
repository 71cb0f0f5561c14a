// SPDX-License-Identifier: BSD-2-Clause
// Names of message files in a Maildir: `unique,S=stored octets,W=octets with CRLF:2,flags`. What stands before the
// colon identifies the message for ever, in whichever folder and with whichever flags it is found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"

namespace posada::store {

struct MaildirName {
    std::string_view base;                  // before ':'
    std::optional<std::uint64_t> size;      // S=
    std::optional<std::uint64_t> crlf_size; // W=
    std::uint64_t time = 0;                 // the leading number, 0 if there is none: orders messages by arrival
};
MaildirName parse_maildir_name(std::string_view file_name) noexcept;
std::uint64_t arrival_time(std::string_view file_name) noexcept; // MaildirName::time alone

// "1700000000.M000123P4711Q1.host": micros since 1970, process id, a sequence number of the process.
std::string unique_name(std::int64_t micros, int pid, std::uint64_t sequence, std::string_view hostname);
// "1700000000.Qa1b2c3R7.host": the same for every attempt to deliver one row of the queue, so that a later attempt can
// see that an earlier one came through.
std::string delivery_name(UnixTime arrival, std::string_view queue_id, std::uint64_t row, std::string_view hostname);

// Appends ",S=...". W= is what all programs agree on: it is left out for a message that readers are sent with a line
// end or a blank line more than it has. Such a message is measured once, when it is first read.
std::string with_sizes(std::string_view unique, std::uint64_t stored, std::optional<std::uint64_t> crlf_size);

// The letters behind ":2,": D draft, F flagged, P passed, R replied, S seen, T trashed, a-z keywords; "" if there are
// none.
std::string_view flags_of(std::string_view file_name) noexcept;
// The same name with these letters too, in ASCII order; those that nobody knows stay.
std::string with_flags(std::string_view file_name, std::string_view flags);

// RFC 1939 §7: 1 to 70 characters from 0x21 to 0x7E.
bool is_uidl(std::string_view text) noexcept;

} // namespace posada::store
