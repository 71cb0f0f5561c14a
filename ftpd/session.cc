// SPDX-License-Identifier: BSD-2-Clause
// Lines in, replies out: what every command has in common.
#include "ftpd/session.h"

#include "common/base/text.h"
#include "common/base/virtual_path.h"
#include "common/proto/ftp/control_line.h"

namespace posada::ftpd {

Session::Session(const Policy& policy)
    : policy_(policy), lines_(max_command_line), umask_(umask_bits(policy.umask)), idle_timeout_(policy.idle_timeout) {}

void Session::greet() { reply(220, policy_.hostname + " " + policy_.banner + " ready."); }

std::size_t Session::consume(std::string_view input, UnixTime now) {
    now_ = now;
    std::size_t used = 0;
    while (!waiting() && used < input.size()) {
        const proto::LineEvent event = lines_.consume(input.substr(used));
        used += event.consumed;
        if (event.kind == proto::LineKind::need_more) break;
        on_line(event);
    }
    return closed_ ? input.size() : used;
}

// A line that is too long has been thrown away whole: no part of it is ever taken for a command (CVE-2008-4247).
void Session::on_line(const proto::LineEvent& event) {
    if (event.kind == proto::LineKind::too_long) {
        reply(500, "Command line too long.");
        return close("command line too long");
    }
    const auto line = proto::ftp::clean_control_line(event.line);
    if (!line) {
        transcript("c", "(malformed)");
        return bad_command(500, "A command has neither NUL nor a lone CR.");
    }
    if (trim(*line).empty()) return; // some NAT boxes send empty lines
    on_command(*line);
}

void Session::on_command(std::string_view line) {
    const auto* row = proto::find_command(commands(), split_word(line).first);
    if (wait_ == Wait::transfer && (row == nullptr || (row->flags & proto::while_busy) == 0)) {
        held_ = line;
        return;
    }
    transcript("c", proto::redacted(commands(), line));
    const auto walked = proto::walk(commands(), line, walk_context());
    if (walked.refusal != proto::Refusal::none) return refuse(walked);
    idle_talk_ = walked.row->verb == "NOOP";
    if (wait_ == Wait::nothing) row_ = walked.row;
    (this->*walked.row->handler)(walked.arg);
}

void Session::resume_held_line() {
    if (!held_ || wait_ != Wait::nothing || closed_) return;
    const std::string line = std::move(*held_);
    held_.reset();
    on_command(line);
}

proto::WalkContext Session::walk_context() const {
    return {state_, tls_active_, peer_.tls_available, tls_active_ || peer_.plaintext_auth};
}

void Session::refuse(const proto::Walked<Session>& walked) {
    switch (walked.refusal) {
    case proto::Refusal::unknown_verb: return bad_command(500, "Unknown command; HELP lists the known ones.");
    case proto::Refusal::not_now: return refuse_state(*walked.row);
    case proto::Refusal::argument_missing:
    case proto::Refusal::argument_unexpected: return bad_command(501, "Syntax: " + std::string(walked.row->syntax));
    case proto::Refusal::none:
    case proto::Refusal::tls_already:
    case proto::Refusal::tls_unavailable:
    case proto::Refusal::needs_privacy: return; // no row asks for these
    }
}

void Session::refuse_state(const proto::CommandRow<Session>& row) {
    if (row.verb == "PASS") return bad_command(503, state_ == state_ready ? "Already logged in." : "USER comes first.");
    if (state_ != state_ready) return bad_command(530, "Please log in with USER and PASS.");
    bad_command(row.verb == "USER" ? 530 : 503, "Already logged in; connect anew to be somebody else.");
}

void Session::reply(unsigned code, std::string_view text) {
    std::string line = std::to_string(code) + " " + proto::ftp::control_text(text);
    transcript("s", line);
    effects_.emplace_back(SendReply{line.append("\r\n")});
}

void Session::reply_lines(unsigned code, std::string_view first, const std::vector<std::string>& lines,
                          std::string_view last) {
    const std::string digits = std::to_string(code);
    std::string out = digits + "-" + proto::ftp::control_text(first) + "\r\n";
    for (const std::string& line : lines) out.append(" ").append(proto::ftp::control_text(line)).append("\r\n");
    out.append(digits).append(" ").append(last).append("\r\n");
    transcript("s", std::string_view(out).substr(0, out.find('\r')));
    effects_.emplace_back(SendReply{std::move(out)});
}

void Session::bad_command(unsigned code, std::string_view text) {
    const std::uint32_t limit = state_ == state_ready ? policy_.max_bad_commands : policy_.max_bad_commands_login;
    reply(code, text);
    if (++bad_commands_ < limit) return;
    note(event::protocol_abuse, {{"reason", "too many refused commands"}});
    reply(421, "Too many refused commands.");
    close("too many refused commands");
}

void Session::bad_syntax() { bad_command(501, "Syntax: " + std::string(row_->syntax)); }

void Session::command_ok() { reply(200, std::string(row_->verb) + " command successful."); }

void Session::ask(Asked what, Effect effect) {
    wait_ = Wait::files;
    asked_ = what;
    effects_.push_back(std::move(effect));
}

std::optional<std::string> Session::resolve(std::string_view typed) {
    auto path = resolve_path(cwd_, typed);
    if (!path) bad_command(501, "That is no path.");
    return path;
}

void Session::transcript(std::string_view from, std::string_view line) {
    if (policy_.transcript) effects_.emplace_back(proto::transcript_note(from, line));
}

void Session::note(const LogEvent& event, std::vector<LogField> fields) {
    effects_.emplace_back(LogNote{&event, std::move(fields)});
}

void Session::close(std::string reason) {
    if (std::exchange(closed_, true)) return;
    effects_.emplace_back(Close{std::move(reason)});
}

void Session::timeout() {
    if (closed_) return;
    reply(421, logged_in() ? "Timeout: no command for too long." : "Timeout: log in faster.");
    close("timeout");
}

void Session::agent_lost() {
    if (closed_) return;
    reply(421, "The server lost your files; please connect anew.");
    close("agent lost");
}

void Session::shut_down() {
    if (closed_) return;
    stopping_ = true;
    if (wait_ == Wait::transfer) return; // it goes to its end
    reply(421, "The server stops.");
    close("server stops");
}

} // namespace posada::ftpd
