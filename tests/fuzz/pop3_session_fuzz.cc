// SPDX-License-Identifier: BSD-2-Clause
// A whole POP3 dialog: byte 0 chooses the listener and how the things behind the session fail, byte 1 how the input is
// cut. Replies are clean CRLF lines (of ASCII, until LANG is spoken), no secret is asked for on an open line, only
// messages that exist and are not marked are opened, a removal holds exactly the marked ones, and nothing is said after
// the end.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "common/base/log.h"
#include "common/base/text.h"
#include "pop3d/session.h"

using namespace posada;
using namespace posada::pop3d;

namespace {

constexpr std::uint32_t mailbox_size = 5;

void require(bool condition) {
    if (!condition) std::abort();
}

class Driver {
  public:
    Driver(std::uint8_t setup, const Policy& policy) : setup_(setup), session_(policy) {
        session_.set_peer(Peer{(setup & 1) != 0, (setup & 2) != 0});
        if ((setup & 4) != 0) {
            tls_ = true;
            session_.tls_started(std::string(32, 'e'));
        }
        session_.greet();
        perform();
    }

    void feed(std::string_view input, std::size_t piece) {
        while (!input.empty() && !session_.closed()) {
            pending_ += input.substr(0, piece);
            heard_ = heard_.substr(heard_.size() - std::min<std::size_t>(heard_.size(), 3));
            heard_ += ascii_upper(input.substr(0, piece));
            lang_spoken_ = lang_spoken_ || heard_.find("LANG") != std::string::npos;
            input.remove_prefix(std::min(piece, input.size()));
            eat();
        }
    }
    void end() {
        if (session_.closed()) return;
        session_.timeout();
        perform();
        require(session_.closed() && !removed_);
    }

  private:
    void eat() {
        while (!session_.waiting() && !pending_.empty()) {
            const std::size_t used = session_.consume(pending_);
            require(used <= pending_.size());
            perform();
            pending_.erase(0, used);
            if (used == 0) return;
        }
        require(session_.closed() || !session_.waiting());
    }
    void perform() {
        for (auto effects = session_.take_effects(); !effects.empty(); effects = session_.take_effects())
            for (Effect& effect : effects) {
                require(!ended_);
                std::visit([this](auto& one) { on(one); }, effect);
            }
        if (tls_due_) {
            tls_due_ = false;
            tls_ = true;
            session_.tls_started(std::string(32, 'e'));
        }
        if (!session_.listing()) return;
        session_.output_drained();
        perform();
    }
    void on(SendReply& reply) {
        const std::string& bytes = reply.bytes;
        require(bytes.size() >= 2 && bytes.substr(bytes.size() - 2) == "\r\n");
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            if (bytes[i] == '\r')
                require(bytes[i + 1] == '\n');
            else if (bytes[i] == '\n')
                require(i > 0 && bytes[i - 1] == '\r');
            else
                require((bytes[i] & 0x80) != 0 ? lang_spoken_ : bytes[i] >= 0x20 && bytes[i] != 0x7f);
        }
        require(is_valid_utf8(bytes));
    }
    void on(StartTls&) {
        require((setup_ & 1) != 0 && !tls_);
        tls_due_ = true;
    }
    void may_ask_for_secrets() const { require(tls_ || (setup_ & 2) != 0); }
    void on(CheckApop& check) {
        if (check.digest.size() != 32) std::abort();
        session_.login_refused(static_cast<LoginRefusal>(check.user.size() % 5));
    }
    void on(CheckPassword& check) {
        may_ask_for_secrets();
        require(!check.user.empty());
        if (check.user == "lir") return session_.login_accepted("lir");
        session_.login_refused(static_cast<LoginRefusal>(check.user.size() % 5));
    }
    void on(proto::SaslScramFirst& first) {
        may_ask_for_secrets();
        if (first.client_first_bare.size() % 2 == 0) return session_.login_refused(LoginRefusal::temporary);
        session_.scram_started("r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    }
    void on(proto::SaslScramFinal& final) {
        require(final.client_proof.size() == 32);
        session_.scram_accepted(std::string(32, 's'), "lir");
    }
    void on(OpenMailbox&) {
        if ((setup_ & 8) != 0) return session_.mailbox_refused(static_cast<MailboxRefusal>(setup_ >> 4 & 1));
        Maildrop drop;
        for (std::uint32_t n = 1; n <= mailbox_size; ++n)
            drop.add(100 * n, n, n % 2 == 0 ? "uid" + std::to_string(n) : std::string());
        session_.mailbox_opened(std::move(drop), setup_ >> 6 & 1);
    }
    void on(OpenMessage& open) {
        require(session_.logged_in() && open.number >= 1 && open.number <= mailbox_size);
        opened_ = true;
        if ((setup_ & 32) != 0 && open.number % 2 == 0) return session_.message_refused(MessageRefusal::gone);
        session_.message_opened();
    }
    void on(SendMessage&) {
        require(opened_);
        opened_ = false;
        if ((setup_ & 128) != 0) return session_.mailbox_lost();
        session_.message_sent();
    }
    void on(RemoveMessages& remove) {
        std::set<std::uint32_t> numbers(remove.numbers.begin(), remove.numbers.end());
        numbers.insert(remove.seen.begin(), remove.seen.end());
        require(!numbers.empty() && numbers.size() == remove.numbers.size() + remove.seen.size());
        require(*numbers.begin() >= 1 && *numbers.rbegin() <= mailbox_size);
        removed_ = true;
        if ((setup_ & 16) != 0) return session_.removal_failed();
        session_.messages_removed();
    }
    void on(LogNote& note) {
        for (const char c : format_log(*note.event, note.fields)) require(c >= 0x20 && c < 0x7f);
    }
    void on(Close&) { ended_ = true; }

    std::uint8_t setup_;
    Session session_;
    std::string pending_;
    bool tls_ = false;
    bool tls_due_ = false;
    bool opened_ = false;
    bool removed_ = false;
    bool ended_ = false;
    std::string heard_; // the end of what the client has said
    bool lang_spoken_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    Policy policy;
    policy.hostname = "mail.micasa.test";
    policy.scram = (data[0] & 64) != 0;
    policy.transcript = true;
    Driver driver(data[0], policy);
    driver.feed({reinterpret_cast<const char*>(data) + 2, size - 2}, 1U + data[1]);
    driver.end();
    return 0;
}
