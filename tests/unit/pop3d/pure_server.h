// SPDX-License-Identifier: BSD-2-Clause
// A pure POP3 session with everything behind it faked: two accounts, a mailbox in memory, one SCRAM exchange (RFC 7677
// §3). What conn, monitor and agent would do to an effect happens at once.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/proto/base64.h"
#include "common/store/maildir_name.h"
#include "common/store/message_measure.h"
#include "pop3d/message_writer.h"
#include "pop3d/session.h"
#include "tests/support/dialog.h"
#include "tests/support/mailboxes.h"

namespace posada::pop3d::testing {

inline Policy test_policy() {
    Policy policy;
    policy.hostname = "mail.micasa.test";
    policy.banner = "posada POP3 server";
    return policy;
}

class PureServer : public test::DialogServer {
  public:
    explicit PureServer(Peer peer = {true, false}, Policy policy = test_policy())
        : policy_(std::move(policy)), session_(policy_) {
        session_.set_peer(peer);
    }

    // What stands in the mailbox, as stored; the marks of a QUIT take messages away.
    std::vector<std::string> mailbox;
    std::size_t hidden = 0;
    // Instead of the answers the fakes would give.
    std::function<void(Session&)> on_login, on_mailbox, on_message, on_removal;
    bool hold_output = false; // the client does not read: a listing waits for drained()
    bool injected = false;    // bytes stood behind STLS
    std::string exporter;     // of the next handshake
    std::vector<LogNote> notes;
    std::string close_reason;

    Session& session() { return session_; }
    void greet(bool implicit_tls = false) {
        if (implicit_tls) session_.tls_started(exporter);
        session_.greet();
        perform();
    }
    void receive(std::string_view bytes) override {
        input_.append(bytes);
        run();
    }
    void start_tls() override {
        session_.tls_started(exporter);
        tls_wanted_ = false;
        run();
    }
    std::string take_output() override {
        std::string out;
        out.swap(output_);
        return out;
    }
    [[nodiscard]] bool closed() const override { return session_.closed(); }

    // One line of the client, and everything the server says to it.
    std::string say(const std::string& line) {
        receive(line + "\r\n");
        return take_output();
    }
    // Past the login.
    void login() {
        greet();
        start_tls();
        say("USER lir");
        say("PASS pamplona");
        take_output();
    }
    void drained() {
        session_.output_drained();
        run();
    }
    void run() {
        perform();
        for (std::size_t used = 1; used != 0 && !session_.waiting();) {
            used = session_.consume(input_);
            input_.erase(0, used);
            perform();
        }
    }

  private:
    void perform() {
        for (auto effects = session_.take_effects(); !effects.empty(); effects = session_.take_effects())
            for (Effect& effect : effects) std::visit([this](auto& e) { act(e); }, effect);
        if (session_.listing() && !hold_output) {
            session_.output_drained();
            perform();
        }
    }
    void act(SendReply& reply) { output_ += reply.bytes; }
    void act(StartTls&) {
        tls_wanted_ = true;
        injected = !input_.empty();
    }
    void act(CheckPassword& check) {
        if (on_login) return on_login(session_);
        const bool known = (check.user == "lir" && check.password.view() == "pamplona") ||
                           (check.user == "daniel.morato" && check.password.view() == "hungry") ||
                           (check.user == "spaces" && check.password.view() == " two  words ");
        if (known) return session_.login_accepted(check.user);
        session_.login_refused(LoginRefusal::denied);
    }
    void act(CheckApop& check) {
        if (on_login) return on_login(session_);
        // RFC 1939 §7: mrose, the secret "tanstaaf", <1896.697170952@dbc.mtview.ca.us>
        if (check.user == "mrose" && check.digest == "c4c9334bac560ecc979e58001b3e22fb")
            return session_.login_accepted(check.user);
        session_.login_refused(LoginRefusal::denied);
    }
    void act(proto::SaslScramFirst& first) {
        const std::string nonce = first.client_first_bare.substr(first.client_first_bare.find(",r=") + 3);
        session_.scram_started("r=" + nonce + "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    }
    void act(proto::SaslScramFinal& final) {
        if (proto::base64_encode(final.client_proof) != "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
            return session_.login_refused(LoginRefusal::denied);
        session_.scram_accepted(*proto::base64_decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", 32), "user");
    }
    void act(OpenMailbox&) {
        if (on_mailbox) return on_mailbox(session_);
        Maildrop drop(test::mailbox_uidvalidity);
        for (std::size_t i = 0; i < mailbox.size(); ++i) {
            store::MessageMeasure measure;
            measure.add(mailbox[i]);
            drop.add(measure.sent(), static_cast<std::uint32_t>(i + 1));
        }
        session_.mailbox_opened(std::move(drop), hidden);
    }
    void act(OpenMessage& open) {
        opened_ = open.number - 1;
        if (on_message) return on_message(session_);
        session_.message_opened();
    }
    void act(SendMessage& send) {
        MessageWriter writer(send.body_lines);
        writer.write(mailbox.at(opened_), output_);
        writer.finish(output_);
        session_.message_sent();
    }
    void act(RemoveMessages& remove) {
        if (on_removal) return on_removal(session_);
        for (auto n = remove.numbers.rbegin(); n != remove.numbers.rend(); ++n)
            mailbox.erase(mailbox.begin() + static_cast<std::ptrdiff_t>(*n - 1));
        session_.messages_removed();
    }
    void act(LogNote& note) { notes.push_back(std::move(note)); }
    void act(Close& close) { close_reason = close.reason; }

    Policy policy_;
    Session session_;
    std::string input_;
    std::string output_;
    std::size_t opened_ = 0;
    bool tls_wanted_ = false;
};

} // namespace posada::pop3d::testing
