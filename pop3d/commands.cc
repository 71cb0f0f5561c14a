// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/commands.h"

#include "pop3d/session.h"

namespace posada::pop3d {

using proto::Arg;
using proto::needs_privacy;
using proto::redact;
using proto::starts_tls;

std::span<const proto::CommandRow<Session>> commands() noexcept {
    constexpr proto::StateSet login = state_authorization;
    constexpr proto::StateSet mail = state_transaction;
    constexpr proto::StateSet both = login | mail;
    // clang-format off
    static const proto::CommandRow<Session> table[] = {
        {"CAPA", Arg::none, both, 0, "CAPA", "lists what this server can do",
         "", nullptr, "RFC 2449 §5", &Session::on_capa},
        {"STLS", Arg::none, login, starts_tls, "STLS", "encrypts the connection with TLS",
         "STLS", nullptr, "RFC 2595 §4", &Session::on_stls},
        {"USER", Arg::required, login, needs_privacy, "USER name", "says who you are",
         "USER", nullptr, "RFC 1939 §7", &Session::on_user},
        {"PASS", Arg::required, login, needs_privacy | redact, "PASS password", "logs in; the password may hold spaces",
         "", nullptr, "RFC 1939 §7", &Session::on_pass},
        {"AUTH", Arg::optional, login, needs_privacy | redact, "AUTH [mechanism [initial-response]]",
         "logs in by SASL; alone, lists the mechanisms", "SASL", &Session::mechanism_words, "RFC 5034 §4",
         &Session::on_auth},
        {"STAT", Arg::none, mail, 0, "STAT", "tells the number of messages and their octets",
         "", nullptr, "RFC 1939 §5", &Session::on_stat},
        {"LIST", Arg::optional, mail, 0, "LIST [msg]", "tells the octets of one message or of all",
         "", nullptr, "RFC 1939 §5", &Session::on_list},
        {"UIDL", Arg::optional, mail, 0, "UIDL [msg]", "tells the lasting name of one message or of all",
         "UIDL", nullptr, "RFC 1939 §7", &Session::on_uidl},
        {"RETR", Arg::required, mail, 0, "RETR msg", "sends a message",
         "", nullptr, "RFC 1939 §5", &Session::on_retr},
        {"TOP", Arg::required, mail, 0, "TOP msg n", "sends a message's header and the first n lines of its body",
         "TOP", nullptr, "RFC 1939 §7", &Session::on_top},
        {"DELE", Arg::required, mail, 0, "DELE msg", "marks a message; QUIT deletes it",
         "", nullptr, "RFC 1939 §5", &Session::on_dele},
        {"RSET", Arg::none, mail, 0, "RSET", "takes all marks back",
         "", nullptr, "RFC 1939 §5", &Session::on_rset},
        {"NOOP", Arg::none, mail, 0, "NOOP", "does nothing",
         "", nullptr, "RFC 1939 §5", &Session::on_noop},
        {"HELP", Arg::optional, both, 0, "HELP [command]", "explains the commands",
         "", nullptr, "", &Session::on_help},
        {"QUIT", Arg::none, both, 0, "QUIT", "deletes what is marked and ends the session",
         "", nullptr, "RFC 1939 §4, §6", &Session::on_quit},
    };
    // clang-format on
    return table;
}

// EXPIRE NEVER: nothing is ever removed but by DELE.
std::span<const std::string_view> general_capabilities() noexcept {
    static constexpr std::string_view words[] = {"RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER"};
    return words;
}

static std::string_view states_text(proto::StateSet states) {
    if (states == state_authorization) return "before login";
    return states == state_transaction ? "after login" : "always";
}

// "§" as mandoc spells it, so that the page stays ASCII.
static std::string mdoc_text(std::string_view text) {
    std::string out;
    for (std::size_t at = text.find("§"); at != std::string_view::npos; at = text.find("§")) {
        out.append(text.substr(0, at)).append("\\(sc");
        text.remove_prefix(at + std::string_view("§").size());
    }
    return out.append(text);
}

std::string command_table_mdoc() {
    std::string out = ".Bl -tag -width Ds\n";
    for (const auto& row : commands()) {
        if ((row.flags & proto::hidden) != 0) continue;
        out.append(".It Ic ").append(row.syntax).append("\n");
        out.append(row.help).append("\n(").append(states_text(row.states));
        if (!row.rfc.empty()) out.append("; ").append(mdoc_text(row.rfc));
        out.append(").\n");
    }
    return out.append(".El\n");
}

} // namespace posada::pop3d
