// SPDX-License-Identifier: BSD-2-Clause
// RelaySession: the client's half of SMTP (RFC 5321): EHLO or HELO, STARTTLS as the route says, PIPELINING, SIZE,
// 8BITMIME, several messages per connection. No I/O: bytes and events in, effects out; relay_connection.cc is its
// driver.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/options.h"
#include "smtpd/queue_protocol.h"
#include "smtpd/smtp_reply.h"

namespace posada::smtpd {

struct RelayMessage {
    std::string sender; // "" = null path
    bool body_8bit = false;
    std::uint64_t size = 0;
    std::vector<LeaseRow> rows;
};

struct RelayEffect {
    enum class Kind : std::uint8_t {
        write,     // bytes
        start_tls, // all input before it is void
        send_body, // the message under way, dot-stuffed; body_sent() before its final dot
        end_body,  // the final dot
        outcome,   // results: one per row of the message
        ready,     // another message may come: begin() or quit()
        close,     // the connection is of no more use; reason (row 0) holds for every row without an outcome
    };
    Kind kind = Kind::write;
    std::string bytes;
    std::vector<RowResult> results;
    RowResult reason;
    bool without_tls = false; // close: a new connection in plain text may work, and the route permits it
};

struct RelayOptions {
    std::string hostname; // for EHLO
    std::string remote;   // for results
    RouteTls tls = RouteTls::opportunistic;
};

class RelaySession {
  public:
    explicit RelaySession(RelayOptions options) : options_(std::move(options)) {}

    // ---- events; each returns what to do, in order ----
    std::vector<RelayEffect> bytes(std::string_view input);
    std::vector<RelayEffect> tls_done(const Status& status);
    std::vector<RelayEffect> begin(RelayMessage message); // after ready, and only then
    std::vector<RelayEffect> body_sent();                 // all of send_body is written
    std::vector<RelayEffect> quit();
    std::vector<RelayEffect> lost(std::string_view why); // closed, truncated, deadline

    // How long the server may take now (RFC 5321 4.5.3.2).
    [[nodiscard]] Millis patience() const;
    [[nodiscard]] bool idle() const { return state_ == State::ready; }

  private:
    enum class State : std::uint8_t {
        greeting,
        ehlo,
        helo,
        starttls,
        handshake,
        ready,
        envelope,
        body,
        final_reply,
        quitting,
        closed
    };
    enum class Step : std::uint8_t { mail, rcpt, data };
    struct Extensions {
        bool pipelining = false;
        bool eight_bit = false;
        bool starttls = false;
        bool size = false;
        std::uint64_t max_size = 0; // 0 = not said
    };

    void write(std::string bytes);
    void add(RelayEffect::Kind kind);
    void on_reply(const SmtpReply& reply);
    void on_greeting(const SmtpReply& reply);
    void on_ehlo(const SmtpReply& reply);
    void on_helo(const SmtpReply& reply);
    void on_starttls(const SmtpReply& reply);
    void on_envelope(const SmtpReply& reply);
    void on_mail(const SmtpReply& reply);
    void on_rcpt(const SmtpReply& reply);
    void on_data(const SmtpReply& reply);
    void on_final(const SmtpReply& reply);
    void say_ehlo();
    void after_hello();
    void read_extension(std::string_view line);
    bool refuse_without_trying();
    void send_step();
    [[nodiscard]] std::string command(Step step, std::size_t recipient) const;
    [[nodiscard]] bool any_accepted() const;
    void settle_open(const SmtpReply& reply);
    void settle(std::size_t row, RowResult result);
    void finish_message();
    void ready();
    void give_up(std::string status, std::string text, bool without_tls = false);
    std::vector<RelayEffect> take();
    [[nodiscard]] RowResult result(RowOutcome outcome, std::string status, std::string text) const;
    [[nodiscard]] RowResult result_of(const SmtpReply& reply) const;

    RelayOptions options_;
    State state_ = State::greeting;
    ReplyReader reader_;
    Extensions offers_;
    bool tls_ = false;
    bool empty_body_ = false; // DATA was accepted although no recipient was
    RelayMessage message_;
    std::vector<std::optional<RowResult>> outcomes_;    // per row; set = refused (or delivered)
    std::deque<std::pair<Step, std::size_t>> expected_; // commands sent, not yet answered
    std::deque<std::pair<Step, std::size_t>> unsent_;
    std::vector<RelayEffect> effects_;
};

} // namespace posada::smtpd
