// SPDX-License-Identifier: BSD-2-Clause
// Lines, order of commands, replies, errors and the end of the session.
#include "smtpd/session.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/proto/reply.h"

namespace posada::smtpd {

namespace {

constexpr std::string_view http_verbs[] = {"GET",     "POST",   "HEAD", "PUT",  "OPTIONS",
                                           "CONNECT", "DELETE", "PRI",  "HOST:"};

std::vector<std::string_view> visible_verbs() {
    std::vector<std::string_view> out;
    for (const auto& row : commands())
        if ((row.flags & proto::hidden) == 0) out.push_back(row.verb);
    return out;
}

std::size_t line_limit(const proto::CommandRow<Session>* row) {
    return row != nullptr && row->max_line != 0 ? row->max_line : max_command;
}

bool is_http(std::string_view verb) {
    return std::any_of(std::begin(http_verbs), std::end(http_verbs),
                       [verb](std::string_view known) { return iequals(known, verb); });
}

} // namespace

Session::Session(const Policy& policy) : policy_(policy), lines_(max_mail_command) {}

void Session::set_peer(Peer peer) {
    peer_ = std::move(peer);
    lines_.set_max_line(peer_.auth ? proto::max_sasl_line : max_mail_command);
}

std::vector<Effect> Session::take_effects() {
    std::vector<Effect> out;
    out.swap(effects_);
    return out;
}

void Session::greet(bool spoke_first) {
    if (spoke_first)
        return abuse(554, "5.5.0", policy_.hostname + " wait for the greeting before you speak (RFC 5321 4.3.1)",
                     "spoke before the greeting");
    reply(220, "", policy_.hostname + " ESMTP posada ready");
}

std::size_t Session::consume(std::string_view input, UnixTime now) {
    now_ = now;
    std::size_t used = 0;
    while (!waiting() && used < input.size()) {
        const std::string_view rest = input.substr(used);
        used += mode_ == Mode::data ? consume_data(rest) : consume_line(rest);
    }
    return used;
}

std::size_t Session::consume_line(std::string_view input) {
    const proto::LineEvent event = lines_.consume(input);
    if (event.kind == proto::LineKind::need_more) return event.consumed;
    if (mode_ == Mode::commands && event.kind == proto::LineKind::line)
        check_pipelining(split_word(event.line).first, event.consumed < input.size());
    if (!closed_) on_line(event);
    return event.consumed;
}

// (STARTTLS is the driver's to check.)
void Session::check_pipelining(std::string_view verb, bool more_input) {
    const auto* row = proto::find_command(commands(), verb);
    if (!more_input || row == nullptr || (row->flags & proto::ends_group) == 0) return;
    abuse(554, "5.5.0", "Wait for the answer to " + std::string(row->verb) + " before you send more (RFC 2920)",
          "input behind " + std::string(row->verb));
}

void Session::on_line(const proto::LineEvent& event) {
    if (event.kind != proto::LineKind::line) return on_bad_line(event);
    if (!event.bare_lf) only_lf_ = false;
    if (event.bare_lf && !lf_noted_) {
        lf_noted_ = true;
        note(event::syntax_note, {{"form", "line ends in LF without CR"}});
    }
    if (mode_ == Mode::auth) return on_auth_line(event.line);
    on_command(event.line);
}

void Session::on_bad_line(const proto::LineEvent& event) {
    if (mode_ == Mode::auth) end_auth();
    if (event.kind == proto::LineKind::too_long) return reply(500, "5.5.2", "Line too long");
    reply(500, "5.5.2", event.nul ? "NUL in a command" : "Stray CR in a command");
}

proto::WalkContext Session::walk_context() const {
    return {state_, tls_active_, peer_.tls_available, private_enough()};
}

void Session::on_command(std::string_view line) {
    transcript("c", proto::redacted(commands(), line));
    const auto walked = proto::walk(commands(), line, walk_context());
    if (line.size() + 2 > line_limit(walked.row)) return reply(500, "5.5.2", "Line too long");
    if (walked.refusal != proto::Refusal::none) return refuse(walked, line);
    row_ = walked.row;
    (this->*row_->handler)(walked.arg);
}

void Session::refuse(const proto::Walked<Session>& walked, std::string_view line) {
    switch (walked.refusal) {
    case proto::Refusal::none: return;
    case proto::Refusal::unknown_verb: return unknown_verb(line);
    case proto::Refusal::not_now: return refuse_order(*walked.row);
    case proto::Refusal::tls_already: return reply(503, "5.5.1", "TLS is on already");
    case proto::Refusal::tls_unavailable: return reply(454, "4.7.0", "TLS is not available here");
    case proto::Refusal::needs_privacy:
        return peer_.auth ? reply(530, "5.7.0", "Say STARTTLS first: secrets do not pass in the clear")
                          : reply(503, "5.5.1", "AUTH is not offered here");
    case proto::Refusal::argument_missing:
    case proto::Refusal::argument_unexpected: return bad_syntax(*walked.row);
    }
}

void Session::bad_syntax(const proto::CommandRow<Session>& row) {
    reply(501, "5.5.4", "Syntax: " + std::string(row.syntax));
}

// What has to come first, in words.
void Session::refuse_order(const proto::CommandRow<Session>& row) {
    if (state_ == state_start) return reply(503, "5.5.1", "HELO first: say who you are");
    if (!row.not_now.empty()) return reply(503, "5.5.1", row.not_now);
    reply(503, "5.5.1", std::string(row.verb) + " is not possible during a message; RSET forgets it");
}

void Session::unknown_verb(std::string_view line) {
    const std::string_view verb = split_word(line).first;
    if (is_http(verb)) return abuse(554, "5.5.0", "This is SMTP, not HTTP", "http request");
    if (verb.empty()) return reply(500, "5.5.2", "Empty line; HELP lists the commands");
    const std::string shown = ascii_upper(verb.substr(0, 40));
    const std::string_view close_one = nearest(shown, visible_verbs(), 2);
    std::string text = "Command not recognized: " + shown;
    text += close_one.empty() ? "; HELP lists the commands" : "; did you mean " + std::string(close_one) + "?";
    reply(500, "5.5.1", text);
}

// ---- replies

void Session::reply(unsigned code, std::string_view enhanced, std::string_view text) {
    send(proto::numeric_reply(code, enhanced, text));
    if (code >= 500) count_error();
    if (code >= 400 && code < 500) count_idle_command();
}

void Session::reply_lines(unsigned code, std::string_view enhanced, const std::vector<std::string>& lines) {
    send(proto::numeric_reply(code, enhanced, lines));
}

void Session::send(std::string bytes) {
    if (policy_.transcript)
        for (const auto line : split(bytes, '\n'))
            if (!line.empty()) transcript("s", line.substr(0, line.size() - 1));
    effects_.push_back(SendReply{std::move(bytes)});
}

void Session::transcript(std::string_view from, std::string_view line) {
    if (policy_.transcript) effects_.emplace_back(proto::transcript_note(from, line));
}

void Session::note(const LogEvent& event, std::vector<LogField> fields) {
    effects_.push_back(LogNote{&event, std::move(fields)});
}

void Session::count_error() {
    if (++errors_ < policy_.max_errors || closed_) return;
    note(event::protocol_abuse, {{"reason", "too many refused commands"}});
    send(proto::numeric_reply(421, "4.7.0", policy_.hostname + " too many errors, closing connection"));
    close("too many errors");
}

// NOOP, RSET, VRFY, HELP, HELO: free for a while, then a client that only chats runs into max_errors.
void Session::count_idle_command() {
    if (++idle_commands_ > policy_.max_idle_commands) count_error();
}

void Session::close(std::string reason) {
    if (closed_) return;
    closed_ = true;
    wait_ = Wait::nothing; // late answers find nobody
    effects_.push_back(Close{std::move(reason)});
}

void Session::abuse(unsigned code, std::string_view enhanced, std::string_view text, std::string reason) {
    note(event::protocol_abuse, {{"reason", reason}});
    send(proto::numeric_reply(code, enhanced, text));
    close(std::move(reason));
}

void Session::timeout() {
    if (closed_) return;
    send(proto::numeric_reply(421, "4.4.2", policy_.hostname + " timeout, closing connection"));
    close("timeout");
}

void Session::shut_down() {
    stopping_ = true;
    const bool busy = mode_ == Mode::data || wait_ != Wait::nothing;
    if (busy || closed_) return;
    send(proto::numeric_reply(421, "4.3.2", policy_.hostname + " service stops, closing connection"));
    close("server stops");
}

void Session::reset_transaction() {
    mail_ = MailTransaction();
    data_.reset();
    scanner_ = ContentScanner();
    head_.clear();
    head_done_ = false;
    no_space_ = false;
    overshoot_ = 0;
    mode_ = Mode::commands;
    if (state_ != state_start) state_ = state_ready;
}

} // namespace posada::smtpd
