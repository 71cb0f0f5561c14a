// SPDX-License-Identifier: BSD-2-Clause
// AUTH (RFC 4954). Each attempt has its own SASL object; only the monitor knows whether it succeeds.
#include "common/base/text.h"
#include "common/proto/base64.h"
#include "common/proto/reply.h"
#include "smtpd/session.h"

namespace posada::smtpd {

namespace {
constexpr std::uint32_t max_local_refusals = 3; // attempts refused here, that the monitor's count never saw
}

std::vector<proto::SaslMechanism> Session::mechanisms() const {
    std::vector<proto::SaslMechanism> out;
    if (policy_.scram && !tls_.exporter.empty()) out.push_back(proto::SaslMechanism::scram_sha_256_plus);
    if (policy_.scram) out.push_back(proto::SaslMechanism::scram_sha_256);
    out.push_back(proto::SaslMechanism::plain);
    out.push_back(proto::SaslMechanism::login);
    return out;
}

void Session::on_auth(std::string_view arg) {
    if (!peer_.auth) return reply(503, "5.5.1", "AUTH is not offered here");
    // Nor during a message (RFC 4954 4), which begins after a login here.
    if (!login_.empty()) return reply(503, "5.5.1", "You have logged in already");
    const auto [name, initial] = split_word(trim(arg));
    const auto mechanism = proto::find_mechanism(name);
    bool offered = false;
    for (const auto one : mechanisms()) offered = offered || one == mechanism;
    if (!offered) return reply(504, "5.5.4", "Mechanism not offered");
    sasl_ = std::make_unique<proto::SaslServer>(*mechanism, tls_.exporter, policy_.scram && !tls_.exporter.empty());
    mode_ = Mode::auth;
    auth_step(sasl_->start(initial.empty() ? std::nullopt : std::optional<std::string_view>(initial)));
}

void Session::on_auth_line(std::string_view line) {
    transcript("c", "(hidden)");
    auth_step(sasl_->response(line));
}

void Session::auth_step(proto::SaslStep step) {
    if (auto* challenge = std::get_if<proto::SaslChallenge>(&step)) {
        send("334 " + proto::base64_encode(challenge->text) + "\r\n");
    } else if (auto* failed = std::get_if<proto::SaslFailed>(&step)) {
        auth_failed(*failed);
    } else if (auto* done = std::get_if<proto::SaslDone>(&step)) {
        log_in(std::move(done->account));
    } else {
        wait_ = Wait::login;
        if (auto* check = std::get_if<CheckPassword>(&step)) effects_.push_back(std::move(*check));
        if (auto* first = std::get_if<proto::SaslScramFirst>(&step)) effects_.push_back(std::move(*first));
        if (auto* final = std::get_if<proto::SaslScramFinal>(&step)) effects_.push_back(std::move(*final));
    }
}

void Session::end_auth() {
    sasl_.reset();
    mode_ = Mode::commands;
}

void Session::auth_failed(const proto::SaslFailed& failed) {
    if (failed.fault == proto::SaslFault::denied)
        return refuse_login(++auth_failures_ >= max_local_refusals ? LoginRefusal::last_attempt : LoginRefusal::denied);
    end_auth();
    if (failed.fault == proto::SaslFault::cancelled) return reply(501, "5.7.0", "Authentication cancelled");
    reply(501, "5.5.2", "Malformed authentication message");
}

void Session::login_accepted(std::string account) {
    if (wait_ == Wait::login) log_in(std::move(account));
}

void Session::login_refused(LoginRefusal why) {
    if (wait_ == Wait::login) refuse_login(why);
}

void Session::log_in(std::string account) {
    wait_ = Wait::nothing;
    end_auth();
    login_ = std::move(account);
    send(proto::numeric_reply(235, "2.7.0", "Authentication successful"));
    if (stopping_) shut_down();
}

void Session::refuse_login(LoginRefusal why) {
    wait_ = Wait::nothing;
    end_auth();
    if (why == LoginRefusal::temporary || why == LoginRefusal::too_soon) {
        reply(454, "4.7.0", "Temporary authentication failure");
    } else if (why == LoginRefusal::malformed) {
        reply(501, "5.5.2", "Malformed authentication message");
    } else {
        reply(535, "5.7.8", "Authentication credentials invalid");
    }
    if (why == LoginRefusal::last_attempt) close("too many failed logins");
    if (stopping_) shut_down();
}

void Session::scram_started(std::string_view server_first) {
    if (wait_ != Wait::login || !sasl_) return;
    wait_ = Wait::nothing;
    auth_step(sasl_->scram_started(server_first));
}

void Session::scram_accepted(std::string_view server_signature, std::string_view account) {
    if (wait_ != Wait::login || !sasl_) return;
    wait_ = Wait::nothing;
    auth_step(sasl_->scram_verified(server_signature, account));
}

} // namespace posada::smtpd
