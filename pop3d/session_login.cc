// SPDX-License-Identifier: BSD-2-Clause
// The AUTHORIZATION state: STLS, USER and PASS, AUTH, and the answers of monitor and agent that end it.
#include <algorithm>

#include "common/base/text.h"
#include "common/proto/base64.h"
#include "common/proto/reply.h"
#include "pop3d/session.h"

namespace posada::pop3d {

void Session::on_stls(std::string_view) {
    if (utf8_) return bad_command(Text::tls_before_utf8); // RFC 6856 §2.1: and no response code
    ok(Text::begin_tls);
    wait_ = Wait::tls;
    effects_.push_back(StartTls{});
}

// RFC 2595 §4: what was said in plain text is forgotten.
void Session::tls_started(std::string exporter) {
    tls_active_ = true;
    exporter_ = std::move(exporter);
    user_.clear();
    language_ = Language::english;
    if (wait_ == Wait::tls) wait_ = Wait::nothing;
}

// The same answer for every name: who exists is nobody's business.
void Session::on_user(std::string_view arg) {
    user_ = trim(arg);
    ok(Text::send_password);
}

// The password is the rest of the line behind one blank, spaces and all (RFC 1939 §7). A name no account can have is
// refused like any other wrong one.
void Session::on_pass(std::string_view password) {
    if (user_.empty()) return bad_command(Text::user_first);
    const std::string user = std::move(user_);
    user_.clear();
    if (has_control(user) || !is_valid_utf8(user)) return bad_command(Text::wrong_login, "AUTH");
    wait_ = Wait::login;
    effects_.push_back(CheckPassword{user, Secret(password)});
}

// The digest is 32 lower-case digits (RFC 1939 §7); nothing is asked for another shape. Neither a wrong name nor a
// wrong digest is told apart.
void Session::on_apop(std::string_view arg) {
    if (peer_.apop_challenge.empty()) return bad_command(Text::apop_unavailable);
    const auto [name, rest] = split_word(trim(arg));
    const std::string_view digest = trim(rest);
    const bool hex = digest.size() == 32 && digest.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    if (!hex) return bad_syntax(*row_);
    if (has_control(name) || !is_valid_utf8(name)) return bad_command(Text::wrong_login, "AUTH");
    wait_ = Wait::login;
    effects_.push_back(CheckApop{std::string(name), std::string(digest)});
}

// With -PLUS only where there is something to bind to; no PLAIN variant is ever weaker than the connection.
std::vector<proto::SaslMechanism> Session::mechanisms() const {
    std::vector<proto::SaslMechanism> out{proto::SaslMechanism::plain, proto::SaslMechanism::login};
    if (policy_.scram) out.push_back(proto::SaslMechanism::scram_sha_256);
    if (policy_.scram && !exporter_.empty()) out.push_back(proto::SaslMechanism::scram_sha_256_plus);
    return out;
}

std::string Session::mechanism_words(const Session& session) {
    std::string out;
    for (const proto::SaslMechanism m : session.mechanisms())
        out.append(out.empty() ? "" : " ").append(proto::mechanism_name(m));
    return out;
}

// AUTH alone: not in RFC 5034, but what Outlook asks first.
void Session::list_mechanisms() {
    std::string out = proto::ok_reply(say(Text::mechanisms_follow, {}), charset());
    for (const proto::SaslMechanism m : mechanisms()) out.append(proto::mechanism_name(m)).append("\r\n");
    send(std::move(out.append(".\r\n")));
}

void Session::on_auth(std::string_view arg) {
    const auto [name, rest] = split_word(trim(arg));
    if (name.empty()) return list_mechanisms();
    const auto offered = mechanisms();
    const auto wanted = proto::find_mechanism(name);
    if (!wanted || std::find(offered.begin(), offered.end(), *wanted) == offered.end())
        return bad_command(Text::mechanism_unknown);
    const bool plus_offered = policy_.scram && !exporter_.empty();
    sasl_ = std::make_unique<proto::SaslServer>(*wanted, exporter_, plus_offered);
    auth_step(sasl_->start(rest.empty() ? std::nullopt : std::optional<std::string_view>(rest)));
}

void Session::on_auth_line(std::string_view line) {
    transcript("c", line == "*" ? "*" : "(hidden)");
    auth_step(sasl_->response(line));
}

void Session::auth_step(proto::SaslStep step) {
    if (auto* challenge = std::get_if<proto::SaslChallenge>(&step)) {
        effects_.push_back(SendReply{"+ " + proto::base64_encode(challenge->text) + "\r\n"});
    } else if (auto* check = std::get_if<CheckPassword>(&step)) {
        wait_ = Wait::login;
        effects_.push_back(std::move(*check));
    } else if (auto* first = std::get_if<proto::SaslScramFirst>(&step)) {
        wait_ = Wait::login;
        effects_.push_back(std::move(*first));
    } else if (auto* final = std::get_if<proto::SaslScramFinal>(&step)) {
        wait_ = Wait::login;
        effects_.push_back(std::move(*final));
    } else if (auto* done = std::get_if<proto::SaslDone>(&step)) {
        open_mailbox(done->account);
    } else if (auto* failed = std::get_if<proto::SaslFailed>(&step)) {
        auth_failed(*failed);
    }
}

void Session::auth_failed(const proto::SaslFailed& failed) {
    sasl_.reset();
    switch (failed.fault) {
    case proto::SaslFault::malformed: return bad_command(Text::malformed_response, {}, {failed.why});
    case proto::SaslFault::cancelled: return bad_command(Text::cancelled);
    case proto::SaslFault::denied: return bad_command(Text::wrong_login, "AUTH");
    }
}

void Session::login_refused(LoginRefusal why) {
    wait_ = Wait::nothing;
    sasl_.reset();
    switch (why) {
    case LoginRefusal::denied: return error(Text::wrong_login, "AUTH");
    case LoginRefusal::last_attempt: error(Text::wrong_login, "AUTH"); return close("too many failed logins");
    case LoginRefusal::malformed: return bad_command(Text::malformed_response, {}, {"nonce"});
    case LoginRefusal::too_soon: return error(Text::too_soon, "LOGIN-DELAY");
    case LoginRefusal::temporary: return error(Text::login_impossible, "SYS/TEMP");
    }
}

void Session::login_accepted(std::string_view account) { open_mailbox(account); }

void Session::scram_started(std::string_view server_first) {
    wait_ = Wait::nothing;
    auth_step(sasl_->scram_started(server_first));
}

void Session::scram_accepted(std::string_view server_signature, std::string_view account) {
    wait_ = Wait::nothing;
    auth_step(sasl_->scram_verified(server_signature, account));
}

void Session::open_mailbox(std::string_view account) {
    sasl_.reset();
    account_ = account;
    wait_ = Wait::mailbox;
    effects_.push_back(OpenMailbox{});
}

void Session::mailbox_opened(Maildrop maildrop, std::uint64_t hidden) {
    maildrop_ = std::move(maildrop);
    state_ = state_transaction;
    wait_ = Wait::nothing;
    bad_commands_ = 0;
    lines_.set_max_line(max_command_line);
    const std::string count = std::to_string(maildrop_.left());
    const std::string octets = std::to_string(maildrop_.left_octets());
    note(event::mailbox_opened, {{"user", account_}, {"messages", count}, {"octets", octets}});
    ok(maildrop_.left() == 1 ? Text::mailbox_one : Text::mailbox_many,
       {account_, std::to_string(hidden), octets, count});
}

// The monitor takes no second login on a connection, so there is nothing left to do here.
void Session::mailbox_refused(MailboxRefusal why) {
    switch (why) {
    case MailboxRefusal::in_use: error(Text::in_use, "IN-USE"); break;
    case MailboxRefusal::temporary: error(Text::mailbox_not_now, "SYS/TEMP"); break;
    case MailboxRefusal::permanent: error(Text::mailbox_never, "SYS/PERM"); break;
    }
    close(why == MailboxRefusal::in_use ? "mailbox in use" : "mailbox not opened");
}

} // namespace posada::pop3d
