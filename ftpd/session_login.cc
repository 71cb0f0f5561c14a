// SPDX-License-Identifier: BSD-2-Clause
// Who is there: USER, PASS, TLS and what stands beside them.
#include "common/base/text.h"
#include "ftpd/message.h"
#include "ftpd/session.h"

namespace posada::ftpd {

// The same answer for every name: who exists is nobody's business. A client that would send a password in plain text is
// stopped before it does.
void Session::on_user(std::string_view arg) {
    user_is_anonymous_ = !policy_.anonymous.empty() && names_anonymous(trim(arg));
    if (user_is_anonymous_) {
        state_ = state_named;
        return reply(331, "Anonymous login ok, send your e-mail address as the password.");
    }
    if (!tls_active_ && !peer_.plaintext_auth) {
        const std::string_view remedy = peer_.tls_available ? "AUTH TLS comes first here; no password in plain text."
                                                            : "No password in plain text here, and no TLS to hide it.";
        return bad_command(530, remedy);
    }
    user_ = trim(arg);
    state_ = state_named;
    reply(331, "Password required for " + user_ + ".");
}

// A name that no account can have is refused like any other wrong one.
void Session::on_pass(std::string_view arg) {
    state_ = state_start;
    if (std::exchange(user_is_anonymous_, false)) {
        wait_ = Wait::login;
        effects_.emplace_back(AnonymousCheck{std::string(arg.substr(0, max_email))});
        return;
    }
    if (has_control(user_) || !is_valid_utf8(user_)) return bad_command(530, "Login incorrect.");
    wait_ = Wait::login;
    effects_.emplace_back(CheckPassword{std::exchange(user_, {}), Secret(arg)});
}

void Session::login_accepted(std::string_view account) {
    wait_ = Wait::nothing;
    state_ = state_ready;
    bad_commands_ = 0;
    account_ = account;
    const ClientClass& its_class = class_of(policy_, account_, peer_.address);
    const auto& welcome = its_class.welcome.empty() ? policy_.welcome : its_class.welcome;
    std::string text;
    for (const std::string& line : welcome) text += expand(line) + "\n";
    text = message_reply(230, text);
    if (!text.empty()) effects_.emplace_back(SendReply{std::move(text)});
    reply(230, anonymous() ? "Anonymous login ok, access restrictions apply." : "User " + account_ + " logged in.");
}

// Of welcome and .message.
std::string Session::expand(std::string_view text) const {
    if (text.empty()) return {};
    const std::uint32_t most = class_of(policy_, account_, peer_.address).max_sessions;
    return expand_message(text, {rfc5322_date(now_), cwd_, peer_.ip, policy_.hostname, account_, policy_.admin_email,
                                 most == 0 ? "unlimited" : std::to_string(most)});
}

void Session::login_refused(LoginRefusal why) {
    wait_ = Wait::nothing;
    switch (why) {
    case LoginRefusal::denied:
    case LoginRefusal::malformed: return reply(530, "Login incorrect.");
    case LoginRefusal::too_soon: return reply(530, "Too many users of your class are here now; try again later.");
    case LoginRefusal::last_attempt:
        reply(421, "Login incorrect; too many attempts.");
        return close("too many failed logins");
    case LoginRefusal::temporary:
        reply(421, "The login cannot be checked now; try again later.");
        return close("login not decided");
    }
}

void Session::on_acct(std::string_view) { reply(202, "Accounts are not used here."); }

void Session::on_unimplemented(std::string_view) { bad_command(502, std::string(row_->verb) + " is not implemented."); }

void Session::on_quit(std::string_view) {
    if (state_ == state_ready) {
        const std::string files = std::to_string(files_) + (files_ == 1 ? " file." : " files.");
        std::string out = "221-You have transferred " + std::to_string(octets_) + " bytes in " + files + "\r\n";
        out += "221-Total traffic for this session was " + std::to_string(traffic_) + " bytes.\r\n";
        out += "221-Thank you for using the FTP server at " + policy_.hostname + ".\r\n";
        effects_.emplace_back(SendReply{std::move(out)});
    }
    reply(221, "Goodbye.");
    close("quit");
}

void Session::on_host(std::string_view arg) {
    const std::string_view name = trim(arg);
    if (!iequals(name, policy_.hostname)) return bad_command(504, "That host is not here.");
    reply(220, policy_.hostname + " it is.");
}

// "SSL" is what old clients and Windows say (RFC 4217 §2 has it as an alias).
void Session::on_auth(std::string_view arg) {
    const std::string_view mechanism = trim(arg);
    if (!iequals(mechanism, "TLS") && !iequals(mechanism, "TLS-C") && !iequals(mechanism, "SSL"))
        return bad_command(504, "Only AUTH TLS is known here.");
    if (tls_active_) return bad_command(503, "The connection is encrypted already.");
    if (!peer_.tls_available) return bad_command(502, "TLS is not available here.");
    reply(234, "Begin TLS.");
    wait_ = Wait::tls;
    effects_.emplace_back(StartTls{});
}

// What was said in plain text is forgotten (RFC 4217 §4).
void Session::tls_started() {
    tls_active_ = true;
    state_ = state_start;
    user_.clear();
    user_is_anonymous_ = false;
    lines_.reset();
    if (wait_ == Wait::tls) wait_ = Wait::nothing;
}

void Session::on_pbsz(std::string_view arg) {
    if (!tls_active_) return bad_command(503, "AUTH TLS comes first.");
    if (!parse_uint(trim(arg))) return bad_syntax();
    pbsz_ = true;
    reply(200, "PBSZ=0");
}

void Session::on_prot(std::string_view arg) {
    if (!tls_active_) return bad_command(503, "AUTH TLS comes first.");
    if (!pbsz_) return bad_command(503, "PBSZ 0 comes first.");
    const std::string level = ascii_upper(trim(arg));
    if (level == "S" || level == "E") return bad_command(536, "Only PROT P and PROT C are known here.");
    if (level != "P" && level != "C") return bad_command(504, "Only PROT P and PROT C are known here.");
    if (level == "C" && policy_.data_tls_required) return bad_command(534, "Data connections are encrypted here.");
    prot_private_ = level == "P";
    command_ok();
}

// Everything that follows could be read and changed by others (RFC 4217 §15.3).
void Session::on_ccc(std::string_view) {
    bad_command(tls_active_ ? 534 : 533, "The control connection stays encrypted here.");
}

} // namespace posada::ftpd
