// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/commands.h"

#include "pop3d/session.h"

namespace posada::pop3d {

using proto::Arg;
using proto::exact_arg;
using proto::needs_privacy;
using proto::redact;
using proto::starts_tls;

std::span<const proto::CommandRow<Session>> commands() noexcept {
    constexpr proto::StateSet login = state_authorization;
    constexpr proto::StateSet mail = state_transaction;
    constexpr proto::StateSet both = login | mail;
    // clang-format off
    static const proto::CommandRow<Session> table[] = {
        {"CAPA", Arg::none, both, 0, "CAPA", "Lists what this server can do.",
         "", nullptr, "RFC 2449 5", &Session::on_capa},
        {"STLS", Arg::none, login, starts_tls, "STLS", "Encrypts the connection with TLS.",
         "STLS", nullptr, "RFC 2595 4", &Session::on_stls},
        {"UTF8", Arg::none, login, 0, "UTF8", "Says that the client understands UTF-8 in headers.",
         "UTF8", nullptr, "RFC 6856 2.1", &Session::on_utf8},
        {"LANG", Arg::optional, both, 0, "LANG [language]", "Lists the languages of the replies, or chooses one.",
         "LANG", nullptr, "RFC 6856 3", &Session::on_lang},
        {"USER", Arg::required, login, needs_privacy, "USER name", "Says who you are.",
         "USER", nullptr, "RFC 1939 7", &Session::on_user},
        {"PASS", Arg::required, login, needs_privacy | redact | exact_arg, "PASS password", "Logs in; the password may hold spaces.",
         "", nullptr, "RFC 1939 7", &Session::on_pass},
        {"APOP", Arg::required, login, redact, "APOP name digest",
         "Logs in without sending the secret, by the MD5 of the greeting's challenge and the secret.",
         "", nullptr, "RFC 1939 7", &Session::on_apop},
        {"AUTH", Arg::optional, login, needs_privacy | redact, "AUTH [mechanism [initial-response]]",
         "Logs in by SASL; alone, lists the mechanisms.", "SASL", &Session::mechanism_words, "RFC 5034 4",
         &Session::on_auth},
        {"STAT", Arg::none, mail, 0, "STAT", "Tells the number of messages and their octets.",
         "", nullptr, "RFC 1939 5", &Session::on_stat},
        {"LIST", Arg::optional, mail, 0, "LIST [msg]", "Tells the octets of one message or of all.",
         "", nullptr, "RFC 1939 5", &Session::on_list},
        {"UIDL", Arg::optional, mail, 0, "UIDL [msg]", "Tells the lasting name of one message or of all.",
         "UIDL", nullptr, "RFC 1939 7", &Session::on_uidl},
        {"RETR", Arg::required, mail, 0, "RETR msg", "Sends a message.",
         "", nullptr, "RFC 1939 5", &Session::on_retr},
        {"TOP", Arg::required, mail, 0, "TOP msg n", "Sends a message's header and the first n lines of its body.",
         "TOP", nullptr, "RFC 1939 7", &Session::on_top},
        {"DELE", Arg::required, mail, 0, "DELE msg", "Marks a message; QUIT deletes it.",
         "", nullptr, "RFC 1939 5", &Session::on_dele},
        {"RSET", Arg::none, mail, 0, "RSET", "Takes all marks back.",
         "", nullptr, "RFC 1939 5", &Session::on_rset},
        {"NOOP", Arg::none, mail, 0, "NOOP", "Does nothing.",
         "", nullptr, "RFC 1939 5", &Session::on_noop},
        {"HELP", Arg::optional, both, 0, "HELP [command]", "Explains the commands.",
         "", nullptr, "", &Session::on_help},
        {"QUIT", Arg::none, both, 0, "QUIT", "Deletes what is marked and ends the session.",
         "", nullptr, "RFC 1939 4, 6", &Session::on_quit},
    };
    // clang-format on
    return table;
}

std::span<const Capability> general_capabilities() noexcept {
    static constexpr Capability words[] = {
        {"RESP-CODES", nullptr},
        {"AUTH-RESP-CODE", nullptr},
        {"PIPELINING", nullptr},
        {"EXPIRE", &Session::expire_words},
        {"LOGIN-DELAY", &Session::login_delay_words},
        {"IMPLEMENTATION", &Session::implementation_words},
    };
    return words;
}

} // namespace posada::pop3d
