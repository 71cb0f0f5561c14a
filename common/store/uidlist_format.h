// SPDX-License-Identifier: BSD-2-Clause
// The text of a `dovecot-uidlist`, version 3: a header `3 V<uidvalidity> N<next uid> G<guid>`, then lines
// `<uid> [<key><value>...] :<file name>` in ascending order of uid. Keys are one character: W octets with CRLF line
// ends, S stored octets, P unique id of POP3, O, G; those we do not know are kept as they stand. Our own copy of it has
// Z, octets as sent where they are not W, and lines `#<seal>`. Pure; any bytes may come in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace posada::store {

struct UidEntry {
    std::uint32_t uid = 0;
    std::string_view fields;          // between uid and name, without the spaces around them
    std::string_view name;            // of the file, as once seen; what stands before ':' counts
    std::uint64_t measured_w = 0;     // a W to be written that fields do not have yet
    std::uint64_t octets_as_sent = 0; // Z: 0 = as W says
    [[nodiscard]] std::string_view base() const { return name.substr(0, name.find(':')); }
};

struct UidlistHeader {
    std::uint32_t uidvalidity = 0;
    std::uint32_t next_uid = 1;
    std::string guid;  // 32 hex digits, or empty
    std::string other; // fields we do not know, with a space before each
};

struct UidlistText {
    UidlistHeader header;          // next_uid is above every entry
    std::vector<UidEntry> entries; // views into the text
    std::string_view seal;         // of the last '#' line
    bool damaged = false;          // what follows the last good line is not one
};

// Errc::corrupt: not even a header. text outlives the result.
Result<UidlistText> parse_uidlist(std::string_view text);

// The value of the field with this key.
std::optional<std::string_view> uidlist_field(std::string_view fields, char key);

void append_header(std::string& out, const UidlistHeader& header);
void append_entry(std::string& out, const UidEntry& entry, bool with_z);

// Dovecot's default "%08Xu%08Xv": uid, then uidvalidity; its X is lower-case hex.
void append_uidl(std::string& out, std::uint32_t uid, std::uint32_t uidvalidity);

} // namespace posada::store
