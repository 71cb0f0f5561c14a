// SPDX-License-Identifier: BSD-2-Clause
// What the server can do and how things are: FEAT, OPTS, HELP, STAT and the small ones.
#include "common/base/text.h"
#include "ftpd/session.h"

namespace posada::ftpd {

std::string Session::auth_words(const Session& session) {
    return session.peer_.tls_available && !session.tls_active_ ? "TLS" : "-";
}
std::string Session::tls_only(const Session& session) { return session.peer_.tls_available ? "" : "-"; }
std::string Session::rest_words(const Session&) { return "STREAM"; }
std::string Session::fact_words(const Session& session) { return ftpd::fact_words(session.facts_); }
std::string Session::language_words(const Session&) { return "EN*"; }

void Session::on_feat(std::string_view) {
    std::vector<std::string> lines;
    const auto line = [&](std::string_view word, std::string (*words)(const Session&)) {
        const std::string behind = words == nullptr ? std::string() : words(*this);
        if (word.empty() || behind == "-") return;
        lines.push_back(std::string(word).append(behind.empty() ? "" : " ").append(behind));
    };
    for (const auto& row : commands()) line(row.capability, row.capability_value);
    for (const auto& row : general_features()) line(row.word, row.value);
    reply_lines(211, "Features:", lines, "End");
}

// Names are bytes and always were: there is nothing to switch on (RFC 2640).
void Session::on_opts(std::string_view arg) {
    const auto [verb, options] = split_word(trim(arg));
    if (iequals(verb, "UTF8") || iequals(verb, "UTF-8")) {
        if (iequals(options, "OFF")) return bad_command(504, "Names are always UTF-8 here.");
        return reply(200, "UTF8 is on.");
    }
    if (!iequals(verb, "MLST")) return bad_command(501, "Only OPTS UTF8 and OPTS MLST are known here.");
    facts_ = parse_facts(options);
    reply(200, "MLST OPTS " + chosen_facts(facts_));
}

void Session::help(std::span<const proto::CommandRow<Session>> table, std::string_view arg) {
    const std::string_view verb = trim(arg);
    if (!verb.empty()) {
        const auto* row = proto::find_command(table, verb);
        if (row == nullptr) return reply(504, "There is no such command.");
        return reply(214, std::string(row->syntax) + ": " + std::string(row->help));
    }
    std::vector<std::string> lines;
    for (const auto& row : table)
        if ((row.flags & proto::hidden) == 0) lines.push_back(std::string(row.syntax) + ": " + std::string(row.help));
    reply_lines(214, "The commands:", lines, "End");
}

void Session::on_help(std::string_view arg) { help(commands(), arg); }

void Session::on_stat(std::string_view arg) {
    if (wait_ == Wait::transfer) {
        effects_.emplace_back(TellProgress{});
        return;
    }
    if (arg.empty()) return tell_status();
    if (state_ != state_ready) return bad_command(530, "Please log in with USER and PASS.");
    const auto path = resolve(arg);
    if (!path) return;
    target_ = *path;
    ask(Asked::stat, ReadListing{{Form::list, *path, std::string(arg), false, 0}});
}

void Session::progress(std::uint64_t octets) {
    reply(213, std::string(sending_ ? "Sending" : "Receiving") + ": " + std::to_string(octets) + " bytes so far.");
}

void Session::tell_status() {
    std::vector<std::string> lines;
    lines.push_back("You come from " + peer_.ip + ".");
    lines.push_back(state_ == state_ready ? "Logged in as " + account_ + "." : "Not logged in.");
    lines.push_back(std::string("TYPE: ") + (ascii_ ? "ASCII" : "Image") + "; STRU: File; MODE: Stream.");
    lines.push_back(std::string("Control connection: ") + (tls_active_ ? "TLS" : "plain") +
                    "; data connections: " + (encrypts() ? "TLS." : "plain."));
    lines.push_back("The time of silence is " +
                    std::to_string(std::chrono::duration_cast<Seconds>(idle_timeout_).count()) + " seconds.");
    reply_lines(211, policy_.hostname + " FTP server status:", lines, "End of status");
}

// Lines of LIST, ended by CRLF.
void Session::text_read(std::string_view lines, bool cut) {
    wait_ = Wait::nothing;
    std::vector<std::string> out;
    for (std::string_view line : split(lines, '\n')) {
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (!line.empty()) out.emplace_back(line);
    }
    reply_lines(213, "Status of " + target_ + ":", out, cut ? "There is more; LIST shows it" : "End of status");
}

void Session::on_syst(std::string_view) { reply(215, "UNIX Type: L8"); }
void Session::on_noop(std::string_view) { reply(200, "NOOP command successful."); }
void Session::on_clnt(std::string_view) { reply(200, "Welcome."); }

void Session::on_lang(std::string_view arg) {
    const std::string_view wanted = trim(arg);
    if (!wanted.empty() && !iequals(wanted, "EN") && !istarts_with(wanted, "EN-"))
        return bad_command(504, "The replies are in English.");
    reply(200, "The replies are in English.");
}

} // namespace posada::ftpd
