// SPDX-License-Identifier: BSD-2-Clause
// One table per protocol. A row says everything about a command; walk() does every check, the handler only acts.
// HELP, EHLO/CAPA, syntax errors, the man page's command table, the fuzz dictionary and log masking come from the row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/text.h"

namespace posada::proto {

enum class Arg : std::uint8_t { none, optional, required };

// Bit set of the session's states; each protocol names its own bits.
using StateSet = std::uint32_t;
constexpr StateSet any_state = ~StateSet{0};

enum CommandFlag : std::uint16_t {
    redact = 1,        // the argument is a secret: log and transcript show "(hidden)"
    starts_tls = 2,    // only before TLS and where TLS is configured; bytes behind it in the buffer end the session
    needs_privacy = 4, // refused unless TLS is up or the configuration allows plaintext here (plaintext_auth)
    hidden = 8,        // not in HELP nor in the man page's table
    exact_arg = 16,    // the argument is all that follows one blank, blanks too: a password, a file's name
    while_busy = 64,   // allowed while the command before is still at work (FTP: STAT, ABOR during a transfer)
    ends_group = 32,   // the dialog changes with its answer: nothing may be sent behind it before (RFC 2920 3.1)
};

template <class Session>
struct CommandRow {
    std::string_view verb; // as on the wire, upper case
    Arg arg;
    StateSet states; // states it is allowed in
    std::uint16_t flags;
    std::string_view syntax;     // "RCPT TO:<forward-path> [SP parameters]"
    std::string_view help;       // one line
    std::string_view capability; // keyword it contributes to EHLO/CAPA, or empty
    // Argument of the capability ("25000000"), or nullptr; the word is left out when it returns "-".
    std::string (*capability_value)(const Session&);
    std::string_view rfc; // "RFC 5321 4.1.1.3"
    void (Session::*handler)(std::string_view arg);
    std::string_view other_help{}; // the same in the other language, where the protocol speaks one
    std::string_view not_now{};    // what to do first, where the states alone do not tell
    std::size_t max_line = 0;      // with CRLF, where it is not the protocol's own
};

// A word of EHLO or CAPA that is no command's.
template <class Session>
struct Capability {
    std::string_view word;
    std::string (*value)(const Session&); // as CommandRow's capability_value
};

enum class Refusal : std::uint8_t {
    none,
    unknown_verb,
    not_now,         // known, not in this state
    tls_already,     // starts_tls while TLS is up
    tls_unavailable, // starts_tls without a certificate
    needs_privacy,   // a secret over plaintext
    argument_missing,
    argument_unexpected,
};

struct WalkContext {
    StateSet state = 0; // exactly one bit
    bool tls_active = false;
    bool tls_available = false;
    bool private_enough = false; // TLS is up, or plaintext_auth permits this peer
};

template <class Session>
struct Walked {
    Refusal refusal = Refusal::unknown_verb;
    const CommandRow<Session>* row = nullptr; // set whenever the verb is known
    std::string_view arg;                     // trimmed at the left, unless exact_arg
};

template <class Session>
const CommandRow<Session>* find_command(std::span<const CommandRow<Session>> table, std::string_view verb) {
    for (const auto& row : table)
        if (iequals(row.verb, verb)) return &row;
    return nullptr;
}

template <class Session>
Refusal check_command(const CommandRow<Session>& row, std::string_view arg, const WalkContext& at) {
    if ((row.flags & starts_tls) != 0) {
        if (at.tls_active) return Refusal::tls_already;
        if (!at.tls_available) return Refusal::tls_unavailable;
    }
    if ((row.states & at.state) == 0) return Refusal::not_now;
    if ((row.flags & needs_privacy) != 0 && !at.private_enough) return Refusal::needs_privacy;
    if (row.arg == Arg::required && arg.empty()) return Refusal::argument_missing;
    if (row.arg == Arg::none && !trim(arg).empty()) return Refusal::argument_unexpected;
    return Refusal::none;
}

// line: one command without its line end.
template <class Session>
Walked<Session> walk(std::span<const CommandRow<Session>> table, std::string_view line, const WalkContext& at) {
    const auto [verb, arg] = split_word(line);
    Walked<Session> out;
    out.arg = arg;
    out.row = find_command(table, verb);
    if (out.row != nullptr && (out.row->flags & exact_arg) != 0)
        out.arg = line.substr(std::min(line.size(), verb.size() + 1));
    if (out.row != nullptr) out.refusal = check_command(*out.row, out.arg, at);
    return out;
}

// The line as log and transcript may show it: "PASS (hidden)".
template <class Session>
std::string redacted(std::span<const CommandRow<Session>> table, std::string_view line) {
    const auto [verb, arg] = split_word(line);
    const auto* row = find_command(table, verb);
    if (row == nullptr || (row->flags & redact) == 0 || arg.empty()) return std::string(line);
    return std::string(row->verb) + " (hidden)";
}

} // namespace posada::proto
