// SPDX-License-Identifier: BSD-2-Clause
// HELO, EHLO and the commands that concern no message.
#include <algorithm>

#include "common/base/text.h"
#include "common/proto/reply.h"
#include "smtpd/session.h"

namespace posada::smtpd {

namespace {
constexpr std::size_t max_name = 255;
}

// Clients call themselves all kinds of things, and nothing depends on it: only what cannot be shown is refused.
bool Session::accept_name(std::string_view arg) {
    const std::string_view name = trim(arg);
    const bool shown = std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (!shown || name.size() > max_name) {
        reply(501, "5.5.4", "Not a host name");
        return false;
    }
    if (!proto::is_domain_name(name) && proto::canonical_literal(name).empty())
        note(event::syntax_note, {{"form", "HELO is no domain name"}, {"helo", std::string(name)}});
    helo_ = name;
    state_ = state_ready;
    reset_transaction();
    count_idle_command();
    return true;
}

void Session::on_helo(std::string_view arg) {
    if (!accept_name(arg)) return;
    extended_ = false;
    reply(250, "", policy_.hostname + " Hello " + helo_ + " " + peer_.literal + ", pleased to meet you");
}

void Session::on_ehlo(std::string_view arg) {
    if (!accept_name(arg)) return;
    extended_ = true;
    std::vector<std::string> lines{policy_.hostname + " Hello " + helo_ + " " + peer_.literal +
                                   ", pleased to meet you"};
    const auto line = [&](std::string_view word, std::string (*words)(const Session&)) {
        const std::string behind = words == nullptr ? std::string() : words(*this);
        if (behind != "-") lines.push_back(std::string(word).append(behind.empty() ? "" : " ").append(behind));
    };
    for (const auto& row : commands())
        if (!row.capability.empty()) line(row.capability, row.capability_value);
    for (const auto& row : general_capabilities()) line(row.word, row.value);
    reply_lines(250, "", lines);
}

std::string Session::size_words(const Session& session) { return std::to_string(session.policy_.max_message_size); }

std::string Session::starttls_words(const Session& session) {
    return session.peer_.tls_available && !session.tls_active_ ? "" : "-";
}

std::string Session::auth_words(const Session& session) {
    if (!session.peer_.auth || !session.private_enough() || !session.login_.empty()) return "-";
    std::string out;
    for (const auto mechanism : session.mechanisms())
        out.append(out.empty() ? "" : " ").append(proto::mechanism_name(mechanism));
    return out;
}

void Session::on_rset(std::string_view) {
    reset_transaction();
    count_idle_command();
    reply(250, "2.0.0", "Reset state");
}

void Session::on_noop(std::string_view) {
    count_idle_command();
    reply(250, "2.0.0", "OK");
}

void Session::on_vrfy(std::string_view) {
    count_idle_command();
    reply(252, "2.1.5", "Cannot VRFY user; send some mail, I'll try my best");
}

void Session::on_unimplemented(std::string_view) { reply(502, "5.5.1", "Command not implemented"); }

// It is not offered, so the octets that follow cannot be told from commands: they are not read at all.
void Session::on_bdat(std::string_view) {
    abuse(502, "5.5.1", "BDAT is not offered here (no CHUNKING in the answer to EHLO)", "BDAT was not offered");
}

void Session::on_help(std::string_view arg) {
    count_idle_command();
    std::vector<std::string> lines;
    if (trim(arg).empty()) {
        lines.push_back("posada SMTP; HELP and a command shows its syntax. Commands:");
        std::string verbs;
        for (const auto& row : commands())
            if ((row.flags & proto::hidden) == 0) verbs += " " + std::string(row.verb);
        lines.push_back("   " + verbs);
        return reply_lines(214, "2.0.0", lines);
    }
    const auto* row = proto::find_command(commands(), trim(arg));
    if (row == nullptr || (row->flags & proto::hidden) != 0)
        return reply(504, "5.5.4", "No such command; HELP lists them");
    lines.push_back(std::string(row->syntax));
    lines.push_back("    " + std::string(row->help) + " (" + std::string(row->rfc) + ")");
    reply_lines(214, "2.0.0", lines);
}

void Session::on_quit(std::string_view) {
    send(proto::numeric_reply(221, "2.0.0", policy_.hostname + " closing connection"));
    close("quit");
}

void Session::on_starttls(std::string_view) {
    send(proto::numeric_reply(220, "2.0.0", "Ready to start TLS"));
    wait_ = Wait::tls;
    effects_.push_back(StartTls{});
}

// RFC 3207 4.2: nothing of the time before counts.
void Session::tls_started(TlsFacts facts) {
    if (wait_ == Wait::tls) wait_ = Wait::nothing;
    tls_ = std::move(facts);
    tls_active_ = true;
    lines_.reset();
    helo_.clear();
    login_.clear();
    extended_ = false;
    state_ = state_start;
    reset_transaction();
}

} // namespace posada::smtpd
