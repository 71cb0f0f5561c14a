// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/echod/session.h"

#include "common/proto/reply.h"

namespace posada::echod {

std::size_t Session::consume(std::string_view input) {
    std::size_t used = 0;
    while (!waiting() && used < input.size()) {
        const proto::LineEvent event = lines_.consume(input.substr(used));
        used += event.consumed;
        if (event.kind == proto::LineKind::need_more) break;
        event.kind == proto::LineKind::line ? on_line(event.line) : send('-', "no line");
    }
    return used;
}

void Session::on_line(std::string_view line) {
    transcript("c", proto::redacted(commands(), line));
    const bool private_enough = tls_active_ || peer_.plaintext_auth;
    const auto walked = proto::walk(commands(), line, {state_, tls_active_, peer_.tls_available, private_enough});
    if (walked.refusal != proto::Refusal::none) return send('-', "no");
    (this->*walked.row->handler)(walked.arg);
}

void Session::on_starttls(std::string_view) {
    reply("go");
    ask(proto::StartTls{});
}

void Session::tls_started() {
    tls_active_ = true;
    waiting_ = false;
    lines_.reset();
}

void Session::on_login(std::string_view arg) {
    const auto [name, password] = split_word(arg);
    ask(proto::CheckPassword{std::string(name), Secret(password)});
}

void Session::login_accepted(std::string_view account) {
    state_ = state_user;
    answered(account);
}

void Session::login_refused(proto::LoginRefusal why) {
    refused(why == proto::LoginRefusal::temporary ? "not now" : "wrong");
    if (why == proto::LoginRefusal::last_attempt) close("too many failed logins");
}

void Session::answered(std::string_view text) {
    waiting_ = false;
    reply(text);
}

void Session::refused(std::string_view why) {
    waiting_ = false;
    send('-', why);
}

void Session::file_opened(std::uint64_t size) {
    answered(std::to_string(size));
    effects_.emplace_back(SendFile{});
}

void Session::on_quit(std::string_view) {
    reply("bye");
    close("quit");
}

void Session::send(char verdict, std::string_view text) {
    std::string line = verdict + proto::reply_text(text);
    transcript("s", line);
    effects_.emplace_back(proto::SendReply{line.append("\r\n")});
}

void Session::ask(Effect effect) {
    waiting_ = true;
    effects_.push_back(std::move(effect));
}

void Session::close(std::string reason) {
    if (std::exchange(closed_, true)) return;
    effects_.emplace_back(proto::Close{std::move(reason)});
}

void Session::transcript(std::string_view from, std::string_view line) {
    if (policy_.transcript) effects_.emplace_back(proto::transcript_note(from, line));
}

} // namespace posada::echod
