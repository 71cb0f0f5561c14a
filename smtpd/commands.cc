// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/commands.h"

#include "smtpd/session.h"

namespace posada::smtpd {

std::span<const proto::CommandRow<Session>> commands() noexcept {
    using proto::any_state;
    using proto::Arg;
    constexpr proto::StateSet greeted = state_ready | state_mail | state_rcpt;
    static constexpr proto::CommandRow<Session> rows[] = {
        {"HELO", Arg::required, any_state, proto::ends_group, "HELO SP your-host-name", "Says who you are.", "",
         nullptr, "RFC 5321 4.1.1.1", &Session::on_helo},
        {"EHLO", Arg::required, any_state, proto::ends_group, "EHLO SP your-host-name",
         "Says who you are and asks for extensions.", "", nullptr, "RFC 5321 4.1.1.1", &Session::on_ehlo},
        {"MAIL", Arg::required, state_ready, 0, "MAIL FROM:<user@domain> [SIZE=octets] [BODY=7BIT|8BITMIME]",
         "Starts a message; <> is the sender of error reports.", "SIZE", &Session::size_words, "RFC 5321 4.1.1.2",
         &Session::on_mail, "", "A message is under way already; RSET forgets it", max_mail_command},
        {"RCPT", Arg::required, state_mail | state_rcpt, 0, "RCPT TO:<user@domain>",
         "Names a recipient; repeat it for more of them.", "", nullptr, "RFC 5321 4.1.1.3", &Session::on_rcpt, "",
         "MAIL FROM first"},
        {"DATA", Arg::none, state_rcpt, proto::ends_group, "DATA",
         "The message follows; a line with a single dot ends it.", "", nullptr, "RFC 5321 4.1.1.4", &Session::on_data,
         "", "RCPT TO first, behind MAIL FROM: nobody would get it"},
        {"RSET", Arg::none, any_state, 0, "RSET", "Forgets sender and recipients.", "", nullptr, "RFC 5321 4.1.1.5",
         &Session::on_rset},
        {"NOOP", Arg::optional, any_state, 0, "NOOP [SP text]", "Does nothing.", "", nullptr, "RFC 5321 4.1.1.9",
         &Session::on_noop},
        {"VRFY", Arg::required, any_state, 0, "VRFY SP user", "Answers 252: send a message and see.", "", nullptr,
         "RFC 5321 4.1.1.6", &Session::on_vrfy},
        {"HELP", Arg::optional, any_state, 0, "HELP [SP command]", "Lists the commands, or explains one.", "HELP",
         nullptr, "RFC 5321 4.1.1.8", &Session::on_help},
        {"STARTTLS", Arg::none, state_ready, proto::starts_tls, "STARTTLS", "Encrypts the connection.", "STARTTLS",
         &Session::starttls_words, "RFC 3207", &Session::on_starttls},
        {"AUTH", Arg::required, greeted, proto::redact | proto::needs_privacy,
         "AUTH SP mechanism [SP initial-response]", "Logs in.", "AUTH", &Session::auth_words, "RFC 4954",
         &Session::on_auth, "", "", proto::max_sasl_line},
        {"QUIT", Arg::none, any_state, 0, "QUIT", "Ends the session.", "", nullptr, "RFC 5321 4.1.1.10",
         &Session::on_quit},
        {"EXPN", Arg::optional, any_state, proto::hidden, "EXPN SP list", "Not implemented.", "", nullptr,
         "RFC 5321 4.1.1.7", &Session::on_unimplemented},
        {"BDAT", Arg::optional, any_state, proto::hidden, "BDAT SP octets [SP LAST]", "Not implemented.", "", nullptr,
         "RFC 3030", &Session::on_bdat},
    };
    return rows;
}

std::span<const proto::Capability<Session>> general_capabilities() noexcept {
    static constexpr proto::Capability<Session> words[] = {
        {"ENHANCEDSTATUSCODES", nullptr}, // RFC 2034
        {"PIPELINING", nullptr},          // RFC 2920
        {"8BITMIME", nullptr},            // RFC 6152
    };
    return words;
}

} // namespace posada::smtpd
