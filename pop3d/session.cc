// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/session.h"

#include "common/proto/reply.h"

namespace posada::pop3d {

Session::Session(const Policy& policy) : policy_(policy), lines_(proto::max_sasl_line) {}

// <...@...> in it makes clients try APOP (RFC 1939 §7).
void Session::greet() {
    const std::string challenge = peer_.apop_challenge.empty() ? "" : " " + peer_.apop_challenge;
    ok_data(policy_.banner + " at " + policy_.hostname + " starting." + challenge);
}

std::size_t Session::consume(std::string_view input) {
    std::size_t used = 0;
    while (!waiting() && used < input.size()) {
        const proto::LineEvent event = lines_.consume(input.substr(used));
        used += event.consumed;
        if (event.kind == proto::LineKind::need_more) break;
        on_line(event);
    }
    return closed_ ? input.size() : used;
}

std::vector<Effect> Session::take_effects() {
    std::vector<Effect> out;
    out.swap(effects_);
    return out;
}

void Session::on_line(const proto::LineEvent& event) {
    if (event.kind != proto::LineKind::line) return on_bad_line(event);
    if (sasl_ != nullptr) return on_auth_line(event.line);
    on_command(event.line);
}

void Session::on_bad_line(const proto::LineEvent& event) {
    transcript("c", "(malformed)");
    sasl_.reset();
    if (event.kind == proto::LineKind::too_long) return bad_command(Text::line_too_long);
    bad_command(event.nul ? Text::nul_in_command : Text::bare_cr);
}

void Session::on_command(std::string_view line) {
    transcript("c", proto::redacted(commands(), line));
    const auto walked = proto::walk(commands(), line, walk_context());
    if (walked.refusal == proto::Refusal::none) {
        row_ = walked.row;
        (this->*row_->handler)(walked.arg);
    } else {
        refuse(walked);
    }
}

proto::WalkContext Session::walk_context() const {
    return {state_, tls_active_, peer_.tls_available, tls_active_ || peer_.plaintext_auth};
}

void Session::refuse(const proto::Walked<Session>& walked) {
    switch (walked.refusal) {
    case proto::Refusal::none: return;
    case proto::Refusal::unknown_verb: return bad_command(Text::unknown_command);
    case proto::Refusal::not_now:
        return bad_command(state_ == state_authorization ? Text::log_in_first : Text::logged_in_already);
    case proto::Refusal::tls_already: return bad_command(Text::tls_already);
    case proto::Refusal::tls_unavailable: return bad_command(Text::tls_unavailable);
    case proto::Refusal::needs_privacy:
        return bad_command(peer_.tls_available ? Text::needs_tls : Text::needs_tls_and_has_none);
    case proto::Refusal::argument_missing:
    case proto::Refusal::argument_unexpected: return bad_syntax(*walked.row);
    }
}

proto::Charset Session::charset() const {
    return language_ == Language::english ? proto::Charset::ascii : proto::Charset::utf8;
}

// Only a client that chose another language gets anything but ASCII (RFC 6856 §3).
void Session::ok(Text text, Words words) { send(proto::ok_reply(say(text, words), charset())); }
void Session::ok_data(std::string_view text) { send(proto::ok_reply(text)); }

void Session::error(Text text, std::string_view response_code, Words words) {
    send(proto::err_reply(say(text, words), response_code, charset()));
}

void Session::bad_command(Text text, std::string_view response_code, Words words) {
    const bool before_login = state_ == state_authorization;
    const std::uint32_t limit = before_login ? policy_.max_bad_commands_login : policy_.max_bad_commands;
    error(text, response_code, words);
    if (++bad_commands_ < limit) return;
    note(event::protocol_abuse, {{"reason", "too many refused commands"}});
    close("too many refused commands");
}

void Session::bad_syntax(const proto::CommandRow<Session>& row) { bad_command(Text::syntax, {}, {row.syntax}); }

void Session::send(std::string bytes) {
    transcript("s", std::string_view(bytes).substr(0, bytes.find('\r')));
    effects_.push_back(SendReply{std::move(bytes)});
}

void Session::close(std::string reason) {
    if (closed_) return;
    closed_ = true;
    effects_.push_back(Close{std::move(reason)});
}

void Session::note(const LogEvent& event, std::vector<LogField> fields) {
    effects_.push_back(LogNote{&event, std::move(fields)});
}

void Session::transcript(std::string_view from, std::string_view line) {
    if (policy_.transcript) effects_.emplace_back(proto::transcript_note(from, line));
}

void Session::timeout() { close("timeout"); }

void Session::mailbox_lost() {
    if (closed_) return;
    if (wait_ != Wait::transfer && wait_ != Wait::output) error(Text::mailbox_lost, "SYS/TEMP");
    close("mailbox lost");
}

// Deletions under way are finished and answered; a message or listing under way has no place for a reply.
void Session::shut_down() {
    if (closed_ || wait_ == Wait::removal) return;
    if (wait_ != Wait::transfer && wait_ != Wait::output) error(Text::server_stops, "SYS/TEMP");
    close("server stops");
}

} // namespace posada::pop3d
