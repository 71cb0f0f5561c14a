// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/relay_session.h"

#include <algorithm>

#include "common/base/text.h"

namespace posada::smtpd {

using Kind = RelayEffect::Kind;

namespace {

bool is_8bit_refused(const RelayMessage& message, bool offered) { return message.body_8bit && !offered; }

constexpr Millis greeting_patience{300'000}; // 4.5.3.2.1
constexpr Millis command_patience{300'000};  // 4.5.3.2.2, .3
constexpr Millis block_patience{180'000};    // 4.5.3.2.5
constexpr Millis final_patience{600'000};    // 4.5.3.2.6
constexpr Millis quit_patience{10'000};

} // namespace

Millis RelaySession::patience() const {
    switch (state_) {
    case State::greeting: return greeting_patience;
    case State::body: return block_patience;
    case State::final_reply: return final_patience;
    case State::quitting:
    case State::closed: return quit_patience;
    case State::ehlo:
    case State::helo:
    case State::starttls:
    case State::handshake:
    case State::ready:
    case State::envelope: break;
    }
    return command_patience;
}

void RelaySession::add(RelayEffect::Kind kind) { effects_.emplace_back().kind = kind; }

void RelaySession::write(std::string bytes) {
    add(Kind::write);
    effects_.back().bytes = std::move(bytes);
}

std::vector<RelayEffect> RelaySession::take() { return std::exchange(effects_, {}); }

RowResult RelaySession::result(RowOutcome outcome, std::string status, std::string text) const {
    return {0, outcome, std::move(status), std::move(text), options_.remote};
}

RowResult RelaySession::result_of(const SmtpReply& reply) const {
    RowOutcome outcome = RowOutcome::deferred;
    if (reply.kind() == 2) outcome = RowOutcome::delivered;
    if (reply.kind() == 5) outcome = RowOutcome::failed;
    std::string status = reply.kind() == 3 ? "4.5.0" : reply.status();
    return result(outcome, std::move(status), reply.text());
}

void RelaySession::give_up(std::string status, std::string text, bool without_tls) {
    if (state_ == State::closed) return;
    state_ = State::closed;
    add(Kind::close);
    effects_.back().reason = result(RowOutcome::deferred, std::move(status), std::move(text));
    effects_.back().without_tls = without_tls;
}

// ---- events ----

std::vector<RelayEffect> RelaySession::bytes(std::string_view input) {
    while (!input.empty() && state_ != State::closed && state_ != State::handshake) {
        auto event = reader_.consume(input);
        if (!event) {
            give_up("4.5.0", event.error().text);
            break;
        }
        input.remove_prefix(event->consumed);
        if (!event->reply) break;
        const bool one_at_a_time = state_ <= State::starttls;
        on_reply(*event->reply);
        if (one_at_a_time && !input.empty() && state_ != State::handshake)
            give_up("4.5.0", "the server spoke out of turn, before it was asked");
    }
    // Whatever came in plain text with the answer to STARTTLS would be taken for the server's word inside TLS
    // (CVE-2021-38371).
    if (state_ == State::handshake && (!input.empty() || reader_.pending())) {
        effects_.clear();
        give_up("4.7.0", "the server sent plain text behind its answer to STARTTLS");
    }
    return take();
}

std::vector<RelayEffect> RelaySession::tls_done(const Status& status) {
    if (state_ != State::handshake) return {};
    if (!status) {
        give_up("4.7.5", "TLS handshake failed: " + status.error().describe(), options_.tls == RouteTls::opportunistic);
        return take();
    }
    tls_ = true;
    say_ehlo();
    return take();
}

std::vector<RelayEffect> RelaySession::begin(RelayMessage message) {
    if (state_ != State::ready) return {};
    message_ = std::move(message);
    outcomes_.assign(message_.rows.size(), std::nullopt);
    expected_.clear();
    unsent_.clear();
    empty_body_ = false;
    if (refuse_without_trying()) return take();
    state_ = State::envelope;
    unsent_.emplace_back(Step::mail, 0);
    for (std::size_t i = 0; i < message_.rows.size(); ++i) unsent_.emplace_back(Step::rcpt, i);
    unsent_.emplace_back(Step::data, 0);
    send_step();
    return take();
}

std::vector<RelayEffect> RelaySession::body_sent() {
    if (state_ != State::body) return {};
    state_ = State::final_reply;
    add(Kind::end_body);
    return take();
}

std::vector<RelayEffect> RelaySession::quit() {
    if (state_ != State::ready) return {};
    state_ = State::quitting;
    write("QUIT\r\n");
    return take();
}

// After the final dot the server may have taken the mail or not: it is sent again, a second copy is better than none
// (RFC 5321 4.5.4.1, RFC 1047).
std::vector<RelayEffect> RelaySession::lost(std::string_view why) {
    give_up("4.4.2", "connection lost: " + std::string(why));
    return take();
}

// ---- replies ----

void RelaySession::on_reply(const SmtpReply& reply) {
    if (reply.code == 421) return give_up("4.3.2", reply.text());
    switch (state_) {
    case State::greeting: return on_greeting(reply);
    case State::ehlo: return on_ehlo(reply);
    case State::helo: return on_helo(reply);
    case State::starttls: return on_starttls(reply);
    case State::envelope: return on_envelope(reply);
    case State::final_reply: return on_final(reply);
    case State::quitting: return give_up("2.0.0", "QUIT");
    case State::body: // it does not want the rest
    case State::handshake:
    case State::ready:
    case State::closed: break;
    }
    give_up("4.5.0", "the server spoke out of turn: " + reply.text());
}

void RelaySession::on_greeting(const SmtpReply& reply) {
    if (reply.kind() != 2) return give_up("4.3.2", reply.text());
    say_ehlo();
}

void RelaySession::say_ehlo() {
    state_ = State::ehlo;
    offers_ = {};
    write("EHLO " + options_.hostname + "\r\n");
}

void RelaySession::read_extension(std::string_view line) {
    const auto [keyword, rest] = split_word(line);
    if (iequals(keyword, "PIPELINING")) offers_.pipelining = true;
    if (iequals(keyword, "8BITMIME")) offers_.eight_bit = true;
    if (iequals(keyword, "STARTTLS")) offers_.starttls = true;
    if (!iequals(keyword, "SIZE")) return;
    offers_.size = true;
    offers_.max_size = parse_uint(trim(rest)).value_or(0);
}

void RelaySession::on_ehlo(const SmtpReply& reply) {
    if (reply.kind() != 2) {
        if (options_.tls == RouteTls::required && !tls_) return give_up("4.7.4", "no EHLO, so no TLS: " + reply.text());
        state_ = State::helo;
        return write("HELO " + options_.hostname + "\r\n");
    }
    for (std::size_t i = 1; i < reply.lines.size(); ++i) read_extension(reply.lines[i]);
    after_hello();
}

void RelaySession::on_helo(const SmtpReply& reply) {
    if (reply.kind() != 2) return give_up("4.3.2", reply.text());
    ready();
}

void RelaySession::after_hello() {
    if (tls_ || options_.tls == RouteTls::none) return ready();
    if (!offers_.starttls) {
        if (options_.tls == RouteTls::required) return give_up("4.7.4", "the route requires TLS, the server has none");
        return ready();
    }
    state_ = State::starttls;
    write("STARTTLS\r\n");
}

void RelaySession::on_starttls(const SmtpReply& reply) {
    if (reply.kind() == 2) {
        state_ = State::handshake;
        add(Kind::start_tls);
        return;
    }
    if (options_.tls == RouteTls::required) return give_up("4.7.4", "STARTTLS was refused: " + reply.text());
    ready();
}

void RelaySession::ready() {
    state_ = State::ready;
    add(Kind::ready);
}

// ---- one message ----

// What the server's extensions already say no to.
bool RelaySession::refuse_without_trying() {
    const bool large = offers_.max_size != 0 && message_.size > offers_.max_size;
    if (!large && !is_8bit_refused(message_, offers_.eight_bit)) return false;
    for (std::size_t i = 0; i < message_.rows.size(); ++i)
        settle(i, large
                      ? result(RowOutcome::failed, "5.3.4",
                               "the message is larger than the server's limit of " + std::to_string(offers_.max_size))
                      : result(RowOutcome::failed, "5.6.3", "the message has 8-bit text, the server takes 7 bit only"));
    finish_message();
    return true;
}

std::string RelaySession::command(Step step, std::size_t recipient) const {
    if (step == Step::rcpt) return "RCPT TO:<" + message_.rows[recipient].address + ">\r\n";
    if (step == Step::data) return "DATA\r\n";
    std::string mail = "MAIL FROM:<" + message_.sender + ">";
    if (offers_.size) mail += " SIZE=" + std::to_string(message_.size);
    if (offers_.eight_bit && message_.body_8bit) mail += " BODY=8BITMIME";
    return mail + "\r\n";
}

// All commands at once with PIPELINING (RFC 2920), else the next one.
void RelaySession::send_step() {
    std::string out;
    do {
        if (unsent_.empty()) break;
        out += command(unsent_.front().first, unsent_.front().second);
        expected_.push_back(unsent_.front());
        unsent_.pop_front();
    } while (offers_.pipelining);
    if (!out.empty()) write(std::move(out));
}

bool RelaySession::any_accepted() const {
    return std::any_of(outcomes_.begin(), outcomes_.end(), [](const auto& o) { return !o.has_value(); });
}

void RelaySession::settle(std::size_t row, RowResult outcome) {
    outcome.row = message_.rows[row].row;
    outcomes_[row] = std::move(outcome);
}

void RelaySession::settle_open(const SmtpReply& reply) {
    for (std::size_t i = 0; i < outcomes_.size(); ++i)
        if (!outcomes_[i]) settle(i, result_of(reply));
}

void RelaySession::on_envelope(const SmtpReply& reply) {
    const auto [step, recipient] = expected_.front();
    switch (step) {
    case Step::mail: on_mail(reply); break;
    case Step::rcpt: on_rcpt(reply); break;
    case Step::data: return on_data(reply);
    }
    expected_.pop_front();
    // Step by step: there is nothing to send DATA for when nobody was accepted.
    if (!offers_.pipelining && !any_accepted() &&
        (unsent_.empty() || unsent_.front().first == Step::data || step == Step::mail)) {
        unsent_.clear();
        write("RSET\r\n");
        expected_.emplace_back(Step::data, 1); // its answer ends the message
        return;
    }
    if (expected_.empty()) send_step();
}

void RelaySession::on_mail(const SmtpReply& reply) {
    if (reply.kind() == 2) return;
    settle_open(reply);
}

void RelaySession::on_rcpt(const SmtpReply& reply) {
    const std::size_t row = expected_.front().second;
    if (reply.kind() == 2 || outcomes_[row]) return;
    RowResult refused = result_of(reply);
    // 552 is how old servers say "too many recipients" (RFC 5321 4.5.3.1.10).
    if (reply.code == 552) refused.outcome = RowOutcome::deferred;
    settle(row, std::move(refused));
}

void RelaySession::on_data(const SmtpReply& reply) {
    const bool after_reset = expected_.front().second == 1;
    expected_.pop_front();
    if (after_reset) return finish_message();
    if (reply.code == 354 && !any_accepted()) { // pipelined DATA that should not have been taken: send nothing
        empty_body_ = true;
        state_ = State::final_reply;
        return write(".\r\n");
    }
    if (reply.code == 354) {
        state_ = State::body;
        add(Kind::send_body);
        return;
    }
    if (reply.kind() < 4) return give_up("4.5.0", "unexpected answer to DATA: " + reply.text());
    settle_open(reply);
    finish_message();
}

void RelaySession::on_final(const SmtpReply& reply) {
    if (reply.kind() == 3) return give_up("4.5.0", "unexpected answer to the message: " + reply.text());
    if (!empty_body_) settle_open(reply);
    finish_message();
}

void RelaySession::finish_message() {
    add(Kind::outcome);
    for (std::optional<RowResult>& one : outcomes_) effects_.back().results.push_back(std::move(*one));
    outcomes_.clear();
    ready();
}

} // namespace posada::smtpd
