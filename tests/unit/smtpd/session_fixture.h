// SPDX-License-Identifier: BSD-2-Clause
// SmtpServer: a Session with a driver that answers at once, for tests: two users and a full mailbox (lleno), one local
// domain, a spool in memory.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "smtpd/session.h"
#include "tests/support/dialog.h"

namespace posada::smtpd::test {

inline Policy default_policy() {
    Policy policy;
    policy.hostname = "mx.micasa.test";
    policy.local_domains = {"micasa.test"};
    policy.route_domains = {"yahoo.com"};
    return policy;
}

inline Peer default_peer() {
    Peer peer;
    peer.ip = "127.0.0.1";
    peer.literal = "[127.0.0.1]";
    peer.session = 7;
    peer.typed = true;
    peer.tls_available = true;
    return peer;
}

inline Peer submission_peer() {
    Peer peer = default_peer();
    peer.auth = true;
    peer.plaintext_auth = true;
    return peer;
}

struct Stored {
    MailTransaction mail;
    std::string helo;
    std::string login;
    std::string content;
};

class SmtpServer : public posada::test::DialogServer {
  public:
    explicit SmtpServer(Policy policy = default_policy(), Peer peer = default_peer(), bool implicit_tls = false)
        : policy_(std::move(policy)), session_(policy_) {
        session_.set_peer(std::move(peer));
        if (implicit_tls) session_.tls_started({"TLSv1.3 TEST", exporter});
        session_.greet();
        perform();
    }

    void receive(std::string_view bytes) override {
        input_ += bytes;
        pump();
    }
    void start_tls() override {
        EXPECT_TRUE(tls_due_) << "the server has not agreed to STARTTLS";
        tls_due_ = false;
        if (!input_.empty()) { // what service::Connection does: CVE-2011-0411
            input_.clear();
            hung_up_ = true;
            return;
        }
        session_.tls_started({"TLSv1.3 TEST", exporter});
    }
    std::string take_output() override { return std::exchange(output_, {}); }
    [[nodiscard]] bool closed() const override { return hung_up_ || session_.closed(); }

    // Sends and returns what was said, without the greeting.
    std::string say(std::string_view bytes) {
        if (!std::exchange(greeting_heard_, true)) output_.clear();
        receive(bytes);
        return take_output();
    }
    // The first three digits of each reply line that ends a reply: "250 550".
    std::string codes(std::string_view bytes) {
        std::string out;
        const std::string said = say(bytes);
        for (std::size_t at = 0; at < said.size(); at = said.find('\n', at) + 1)
            if (said[at + 3] == ' ') out += (out.empty() ? "" : " ") + said.substr(at, 3);
        return out;
    }
    Session& session() { return session_; }
    void answer_lookups() {
        hold_lookup = false;
        answer_recipient();
        pump();
    }
    [[nodiscard]] bool logged(std::string_view id) const {
        for (const auto& line : log)
            if (line.substr(0, id.size()) == id) return true;
        return false;
    }

    static constexpr const char* exporter = "0123456789abcdef0123456789abcdef";
    std::map<std::string, std::string> passwords{{"daniel", "hungry"}, {"lir", "pamplona"}};
    std::vector<Stored> spool;
    std::vector<std::string> log;
    std::vector<std::string> asked; // names the monitor was asked about
    SpaceVerdict space = SpaceVerdict::granted;
    QueueVerdict queue = QueueVerdict::stored;
    RecipientVerdict broken_lookup = RecipientVerdict::unknown;
    RecipientVerdict full = RecipientVerdict::full; // of lleno's mailbox
    std::size_t body_room = SIZE_MAX;
    bool hold_lookup = false;
    int bad_logins_left = 100;

  private:
    void pump() {
        while (!session_.waiting() && !input_.empty()) {
            const std::size_t used = session_.consume(input_, 1'700'000'000);
            perform(); // before input_ changes: body chunks point into it
            input_.erase(0, used);
            if (used == 0) break;
        }
    }
    void perform() {
        for (auto& effect : session_.take_effects()) std::visit([this](auto& e) { on(e); }, effect);
    }
    void on(SendReply& e) { output_ += e.bytes; }
    void on(StartTls&) { tls_due_ = true; }
    void on(CheckPassword& e) {
        asked.push_back(e.user);
        const auto known = passwords.find(e.user);
        if (known != passwords.end() && known->second == e.password.view())
            session_.login_accepted(e.user);
        else
            session_.login_refused(--bad_logins_left == 0 ? LoginRefusal::last_attempt : LoginRefusal::denied);
        perform();
    }
    void on(proto::SaslScramFirst& e) {
        asked.push_back(e.user);
        const auto nonce = e.client_first_bare.substr(e.client_first_bare.find(",r=") + 3);
        session_.scram_started("r=" + nonce + "SERVER,s=c2FsdA==,i=4096");
        perform();
    }
    void on(proto::SaslScramFinal& e) {
        if (e.client_proof == std::string(32, 'p'))
            session_.scram_accepted(std::string(32, 's'), "daniel");
        else
            session_.login_refused(LoginRefusal::denied);
        perform();
    }
    void on(LookupRecipient& e) {
        wanted_ = e.mailbox;
        if (!hold_lookup) answer_recipient();
    }
    void answer_recipient() {
        const bool known = passwords.count(wanted_.local) != 0;
        session_.recipient_answer(wanted_.local == "lleno" ? full : known ? RecipientVerdict::exists : broken_lookup);
        perform();
    }
    void on(ReserveSpace&) {
        session_.space_answer(space);
        perform();
    }
    void on(BodyChunk& e) {
        content_ += e.owned.empty() ? e.text : std::string_view(e.owned);
        if (content_.size() <= body_room) return;
        session_.space_exhausted();
    }
    void on(SubmitMessage& e) {
        if (queue == QueueVerdict::stored)
            spool.push_back({std::move(e.mail), e.helo, e.login, std::exchange(content_, {})});
        content_.clear();
        session_.queue_answer(queue, "0000000a" + std::to_string(spool.size()));
        perform();
    }
    void on(DropBody&) { content_.clear(); }
    void on(LogNote& e) { log.push_back(format_log(*e.event, e.fields)); }
    void on(Close&) {}

    Policy policy_;
    Session session_;
    std::string input_;
    std::string output_;
    std::string content_;
    proto::Mailbox wanted_;
    bool greeting_heard_ = false;
    bool tls_due_ = false;
    bool hung_up_ = false;
};

// What of a stored message stands behind our Received field.
inline std::string without_trace(const std::string& content) {
    std::size_t at = 0;
    do at = content.find('\n', at) + 1;
    while (content[at] == '\t');
    return content.substr(at);
}

} // namespace posada::smtpd::test
