// SPDX-License-Identifier: BSD-2-Clause
// A whole SMTP dialog: byte 0 chooses the listener, byte 1 how the input is cut; answers come at once. Replies are
// clean lines of at most 512 octets with a code, a message is only submitted with accepted recipients and CRLF lines,
// nothing is said after the end, and the plain port never asks for a login.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/base/log.h"
#include "smtpd/session.h"

using namespace posada;
using namespace posada::smtpd;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

class Driver {
  public:
    Driver(std::uint8_t setup, const Policy& policy) : setup_(setup), session_(policy) {
        session_.set_peer(peer_of(setup));
        session_.greet((setup & 0x80) != 0);
        perform();
    }

    void feed(std::string_view input, std::size_t piece) {
        while (!input.empty() && !session_.closed()) {
            pending_ += input.substr(0, piece);
            input.remove_prefix(std::min(piece, input.size()));
            while (!session_.waiting() && !pending_.empty()) {
                const std::size_t used = session_.consume(pending_, 0);
                require(used <= pending_.size());
                perform();
                pending_.erase(0, used);
                if (used == 0) break;
            }
        }
        require(session_.closed() || !session_.waiting() || tls_due_);
    }
    void end() {
        session_.timeout();
        perform();
        require(session_.closed());
    }

  private:
    static Peer peer_of(std::uint8_t setup) {
        Peer peer;
        peer.ip = "192.0.2.7";
        peer.literal = "[192.0.2.7]";
        peer.auth = (setup & 1) != 0;
        peer.may_relay = (setup & 2) != 0;
        peer.typed = (setup & 4) != 0;
        peer.tls_available = (setup & 8) != 0;
        peer.plaintext_auth = (setup & 16) != 0;
        return peer;
    }
    void perform() {
        for (auto effects = session_.take_effects(); !effects.empty(); effects = session_.take_effects())
            for (auto& effect : effects) {
                require(!ended_);
                std::visit([this](auto& one) { on(one); }, effect);
            }
        if (tls_due_) {
            tls_due_ = false;
            session_.tls_started({"TLSv1.3", std::string(32, 'e')});
        }
    }
    void on(SendReply& e) {
        for (std::size_t at = 0; at < e.bytes.size();) {
            const std::size_t end = e.bytes.find("\r\n", at);
            require(end != std::string::npos && end - at <= 510 && end - at >= 4);
            for (std::size_t i = at; i < end; ++i) require(e.bytes[i] >= 0x20 && e.bytes[i] < 0x7f);
            require(e.bytes[at] >= '2' && e.bytes[at] <= '5' && (e.bytes[at + 3] == ' ' || e.bytes[at + 3] == '-'));
            at = end + 2;
        }
    }
    void on(StartTls&) { tls_due_ = true; }
    void on(CheckPassword& e) {
        require((setup_ & 1) != 0);
        if (e.user == "lir")
            session_.login_accepted("lir");
        else
            session_.login_refused(LoginRefusal::denied);
    }
    void on(proto::SaslScramFirst&) {
        require((setup_ & 1) != 0);
        session_.login_refused(LoginRefusal::temporary);
    }
    void on(proto::SaslScramFinal&) { require(false); }
    void on(LookupRecipient& e) {
        require(e.mailbox.domain == "micasa.test");
        session_.recipient_answer(e.mailbox.local == "lir" ? RecipientVerdict::exists : RecipientVerdict::unknown);
    }
    void on(ReserveSpace&) { session_.space_answer(SpaceVerdict::granted); }
    void on(BodyChunk& e) { content_ += e.owned.empty() ? e.text : std::string_view(e.owned); }
    void on(SubmitMessage& e) {
        require(!e.mail.recipients.empty());
        require((setup_ & 1) == 0 || !e.login.empty());
        for (const auto& recipient : e.mail.recipients)
            require(recipient.local == (recipient.mailbox.domain == "micasa.test") &&
                    (recipient.local || (setup_ & 3) != 0));
        require(content_.substr(0, 10) == "Received: " && content_.find('\0') == std::string::npos);
        for (std::size_t i = 0; i < content_.size(); ++i)
            require((content_[i] != '\n' || content_[i - 1] == '\r') &&
                    (content_[i] != '\r' || content_[i + 1] == '\n'));
        content_.clear();
        session_.queue_answer(QueueVerdict::stored, "1A");
    }
    void on(DropBody&) { content_.clear(); }
    void on(LogNote& e) {
        for (const char c : format_log(*e.event, e.fields)) require(c >= 0x20 && c < 0x7f);
    }
    void on(Close&) { ended_ = true; }

    std::uint8_t setup_;
    Session session_;
    std::string pending_;
    std::string content_;
    bool tls_due_ = false;
    bool ended_ = false;
};

Policy make_policy() {
    Policy policy;
    policy.hostname = "mx.micasa.test";
    policy.local_domains = {"micasa.test"};
    policy.route_domains = {"yahoo.com"};
    policy.max_message_size = 4096;
    policy.scram = true;
    policy.transcript = true;
    return policy;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    Policy policy = make_policy();
    policy.bare_lf = (data[0] & 32) != 0 ? BareLf::repair : BareLf::refuse;
    Driver driver(data[0] & 0x7f, policy);
    driver.feed({reinterpret_cast<const char*>(data) + 2, size - 2}, 1U + data[1]);
    driver.end();
    return 0;
}
