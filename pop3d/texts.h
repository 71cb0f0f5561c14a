// SPDX-License-Identifier: BSD-2-Clause
// What the server says to people, in every language it speaks (RFC 6856 §3): one row per text, one column per language.
// What programs read (numbers, response codes, capabilities) is not here. The greeting is English: it comes before
// LANG.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace posada::pop3d {

enum class Language : std::uint8_t { english, spanish };

struct LanguageName {
    std::string_view tag;  // "en"
    std::string_view name; // in the language itself
};
std::span<const LanguageName> languages() noexcept; // in the order of Language
// RFC 4647 §3.4: "es-AR" finds "es". nullopt: not spoken here; "MUL" and "*" are no languages.
std::optional<Language> find_language(std::string_view range) noexcept;

enum class Text : std::uint8_t {
    signing_off, // %1 banner, %2 host
    // lines and commands
    line_too_long,
    nul_in_command,
    bare_cr,
    unknown_command,
    log_in_first,
    logged_in_already,
    syntax, // %1 of the command
    capabilities_follow,
    commands_follow,
    no_such_command,
    utf8_on,
    languages_follow,
    language_changed,
    language_unknown,
    // TLS
    begin_tls,
    tls_already,
    tls_unavailable,
    tls_before_utf8,
    needs_tls,
    needs_tls_and_has_none,
    // login
    send_password,
    user_first,
    wrong_login,
    mechanism_unknown,
    mechanisms_follow,
    malformed_response, // %1 why, for programmers
    cancelled,
    apop_unavailable,
    too_soon,
    login_impossible,
    // mailbox
    mailbox_one,  // %1 account, %2 hidden, %3 octets
    mailbox_many, // %1 account, %2 hidden, %3 octets, %4 messages
    in_use,
    mailbox_not_now,
    mailbox_never,
    mailbox_lost,
    server_stops,
    // mail
    bad_number,
    no_such_message,
    listing, // %1 messages, %2 octets
    octets,  // %1
    top_follows,
    message_gone,
    message_unreadable,
    deleted,  // %1 message
    maildrop, // %1 messages, %2 octets
    not_all_removed,
    count, // the number of texts
};

// The text with %1, %2 ... put in.
std::string say(Language language, Text text, std::initializer_list<std::string_view> words = {});

} // namespace posada::pop3d
