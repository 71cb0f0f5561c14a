// SPDX-License-Identifier: BSD-2-Clause
// Mail addresses as SMTP writes them (RFC 5321 4.1.2): mailboxes, quoted local parts, address literals, source routes
// (ignored, never followed), the null reverse-path and <Postmaster>. "u%host", "host!u" and the like are local parts
// and nothing else: there is no code that would route by them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posada::proto {

constexpr std::size_t max_local_part = 64; // RFC 5321 4.5.3.1.1
constexpr std::size_t max_domain = 255;    // 4.5.3.1.2

struct Mailbox {
    std::string local;  // without quotes and backslashes, case kept
    std::string domain; // lower case; "[192.0.2.7]" or "[IPv6:2001:db8::1]" for a literal; empty: null path, Postmaster
    [[nodiscard]] bool null() const { return local.empty(); }
    [[nodiscard]] bool literal() const { return !domain.empty() && domain.front() == '['; }
    // One form for one mailbox: quotes only where the grammar asks for them; "" for the null path, "Postmaster" alone.
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Mailbox& a, const Mailbox& b) { return a.local == b.local && a.domain == b.domain; }
};

enum class PathFault : std::uint8_t {
    none,
    syntax,     // 501 5.1.3 or 5.1.7
    no_domain,  // a local part alone
    bad_domain, // not a domain name nor a literal
    local_too_long,
    domain_too_long,
    non_ascii, // 553 5.6.7: SMTPUTF8 (RFC 6531) is not offered
};
const char* path_fault_text(PathFault fault) noexcept;

// Forms that were accepted although RFC 5321 has them differently; for a note in the log.
enum PathNote : std::uint8_t { space_after_colon = 1, no_brackets = 2, source_route = 4 };

struct ParsedPath {
    PathFault fault = PathFault::none;
    Mailbox mailbox;
    std::uint8_t notes = 0; // PathNote bits
    std::string_view rest;  // the ESMTP parameters behind the path, trimmed; points into the input
};

// text: what follows "FROM:" or "TO:".
ParsedPath parse_reverse_path(std::string_view text); // may be <>
ParsedPath parse_forward_path(std::string_view text); // may be <Postmaster>, in any case of letters

// A host name: LDH labels (underscore tolerated), at most 63 octets each, not all digits in the last.
bool is_domain_name(std::string_view text) noexcept;
// "[192.0.2.7]", "[IPv6:::1]"; empty if it is not one, else its canonical form.
std::string canonical_literal(std::string_view text);

} // namespace posada::proto
