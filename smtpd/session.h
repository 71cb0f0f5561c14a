// SPDX-License-Identifier: BSD-2-Clause
// One SMTP dialog, pure: bytes, answers and the time go in, effects come out; there is no descriptor and no clock here.
// The driver (conn.cc) performs the effects in their order and calls back. While the session waits for an answer it
// eats no input, so pipelined commands keep their order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/base/events.h"
#include "common/proto/dialog.h"
#include "common/proto/dot.h"
#include "common/proto/line.h"
#include "common/proto/sasl.h"
#include "smtpd/commands.h"
#include "smtpd/options.h"
#include "smtpd/received.h"
#include "smtpd/transaction.h"

namespace posada::smtpd {

// The same for all sessions of a process.
struct Policy : SmtpdOptions {
    std::string hostname;
    std::vector<std::string> local_domains; // lower case
    std::vector<std::string> route_domains; // lower case; "*" = any
    bool scram = false;                     // every account has a verifier
    bool transcript = false;
};

struct Peer {
    std::string ip;      // "192.0.2.7"
    std::string literal; // "[192.0.2.7]"
    std::uint64_t session = 0;
    bool auth = false;             // this listener offers AUTH and wants it: submission
    bool may_relay = false;        // in relay_networks
    bool repair_line_ends = false; // this listener is for old devices
    bool typed = false;            // may send data with LF line ends if all its commands end so (private addresses)
    bool tls_available = false;
    bool plaintext_auth = false; // secrets may pass without TLS
};

// ---- effects

using proto::CheckPassword;
using proto::Close;
using proto::LogNote;
using proto::SendReply;
using proto::StartTls;
struct LookupRecipient {
    proto::Mailbox mailbox;
    std::uint64_t declared_size; // 0 = not said
};
struct ReserveSpace {
    std::uint64_t declared_size; // 0 = not said
};
struct BodyChunk {
    std::string_view text;
    std::string owned; // text points here, or into the input of consume()
};
struct SubmitMessage {
    MailTransaction mail;
    std::string helo;
    std::string login;
};
struct DropBody {}; // the octets kept so far belong to no message any more
using Effect = std::variant<SendReply, StartTls, CheckPassword, proto::SaslScramFirst, proto::SaslScramFinal,
                            LookupRecipient, ReserveSpace, BodyChunk, SubmitMessage, DropBody, LogNote, Close>;

// ---- answers

enum class RecipientVerdict : std::uint8_t { exists, unknown, temporary, full, full_for_good };
enum class SpaceVerdict : std::uint8_t { granted, no_space, no_queue };
// full: the only recipient's mailbox has no room for it.
enum class QueueVerdict : std::uint8_t { stored, no_space, invalid, temporary, full, full_for_good };
using proto::LoginRefusal;

struct TlsFacts {
    std::string description; // "TLSv1.3 TLS_AES_256_GCM_SHA384"
    std::string exporter;    // RFC 9266, may be empty
};

class Session {
  public:
    // policy outlives the session.
    explicit Session(const Policy& policy);

    // What is known of the client, before greet(): a PROXY header may have said who it is.
    void set_peer(Peer peer);
    // 220, or 554 for a client that spoke first (it does not wait for answers: a spam program, or HTTP).
    void greet(bool spoke_first = false);
    // Eats as much as it can; returns how much. now: for the Received field.
    std::size_t consume(std::string_view input, UnixTime now);
    std::vector<Effect> take_effects();

    // Implicit TLS: before greet(). STARTTLS: everything said before is forgotten.
    void tls_started(TlsFacts facts);
    void login_accepted(std::string account);
    void login_refused(LoginRefusal why);
    void scram_started(std::string_view server_first);
    void scram_accepted(std::string_view server_signature, std::string_view account);
    void recipient_answer(RecipientVerdict verdict);
    void space_answer(SpaceVerdict verdict);
    // No room for the rest of the body under way: 452 at its end.
    void space_exhausted();
    void queue_answer(QueueVerdict verdict, std::string_view queue_id);
    void timeout();
    // Says 421 now, or after the message under way.
    void shut_down();

    [[nodiscard]] bool waiting() const { return wait_ != Wait::nothing || closed_; }
    [[nodiscard]] bool in_data() const { return mode_ == Mode::data; }
    [[nodiscard]] bool closed() const { return closed_; }

  private:
    friend std::span<const proto::CommandRow<Session>> commands() noexcept;

    enum class Mode : std::uint8_t { commands, auth, data };
    enum class Wait : std::uint8_t { nothing, tls, login, recipient, space, queue };

    // session.cc: lines and replies
    std::size_t consume_line(std::string_view input);
    void on_line(const proto::LineEvent& event);
    void on_bad_line(const proto::LineEvent& event);
    void on_command(std::string_view line);
    void refuse(const proto::Walked<Session>& walked, std::string_view line);
    void refuse_order(const proto::CommandRow<Session>& row);
    void bad_syntax(const proto::CommandRow<Session>& row);
    void unknown_verb(std::string_view line);
    void check_pipelining(std::string_view verb, bool more_input);
    void reply(unsigned code, std::string_view enhanced, std::string_view text);
    void reply_lines(unsigned code, std::string_view enhanced, const std::vector<std::string>& lines);
    void send(std::string bytes);
    void count_error();
    void count_idle_command();
    void close(std::string reason);
    void abuse(unsigned code, std::string_view enhanced, std::string_view text, std::string reason);
    void note(const LogEvent& event, std::vector<LogField> fields);
    void transcript(std::string_view from, std::string_view line);
    void reset_transaction();
    [[nodiscard]] proto::WalkContext walk_context() const;
    [[nodiscard]] bool private_enough() const { return tls_active_ || peer_.plaintext_auth; }

    // session_commands.cc: the small ones, and the words of EHLO that depend on the connection
    static std::string size_words(const Session& session);
    static std::string starttls_words(const Session& session);
    static std::string auth_words(const Session& session);
    void on_helo(std::string_view arg);
    void on_ehlo(std::string_view arg);
    bool accept_name(std::string_view arg);
    void on_rset(std::string_view arg);
    void on_noop(std::string_view arg);
    void on_vrfy(std::string_view arg);
    void on_unimplemented(std::string_view arg);
    void on_bdat(std::string_view arg);
    void on_help(std::string_view arg);
    void on_quit(std::string_view arg);
    void on_starttls(std::string_view arg);

    // session_mail.cc
    void on_mail(std::string_view arg);
    void on_rcpt(std::string_view arg);
    bool mail_parameters(std::string_view text, MailTransaction& mail);
    bool mail_parameter(const Parameter& parameter, MailTransaction& mail);
    void refuse_path(const proto::ParsedPath& path, std::string_view given, std::string_view status);
    void note_forms(const proto::ParsedPath& path, std::string_view given);
    void accept_recipient(AcceptedRecipient recipient);
    void refuse_full(const proto::Mailbox& mailbox, std::uint64_t size, bool for_good);
    void too_many_recipients(std::string_view recipient);
    void refuse_mail(unsigned code, std::string_view enhanced, std::string_view text, std::string_view recipient);
    [[nodiscard]] proto::Mailbox deliverable(const proto::Mailbox& mailbox) const;
    [[nodiscard]] bool is_local(const proto::Mailbox& mailbox) const;
    [[nodiscard]] bool has_route(const proto::Mailbox& mailbox) const;

    // session_data.cc
    void on_data(std::string_view arg);
    std::size_t consume_data(std::string_view input);
    [[nodiscard]] proto::DataLines data_lines() const;
    void on_content(std::string_view content);
    void first_line(std::string_view content);
    void body(std::string_view text, std::string owned);
    void end_of_data();
    [[nodiscard]] std::string trace_field() const;
    [[nodiscard]] std::string transaction_id() const; // of the Received field and of mail-in
    bool refuse_content();
    void note_mail_in(std::string_view queue_id);

    // session_auth.cc
    void on_auth(std::string_view arg);
    void on_auth_line(std::string_view line);
    void auth_step(proto::SaslStep step);
    void auth_failed(const proto::SaslFailed& failed);
    void log_in(std::string account);
    void refuse_login(LoginRefusal why);
    void end_auth();
    [[nodiscard]] std::vector<proto::SaslMechanism> mechanisms() const;

    const Policy& policy_;
    Peer peer_;
    std::vector<Effect> effects_;
    proto::LineReader lines_;
    Mode mode_ = Mode::commands;
    Wait wait_ = Wait::nothing;
    State state_ = state_start;
    const proto::CommandRow<Session>* row_ = nullptr; // of the command under way
    bool closed_ = false;
    bool stopping_ = false;
    UnixTime now_ = 0;
    std::uint32_t errors_ = 0;
    std::uint32_t idle_commands_ = 0;
    std::uint32_t auth_failures_ = 0;
    std::uint32_t messages_ = 0;
    std::uint32_t overshoot_ = 0; // recipients above the limit in this transaction
    bool only_lf_ = true;         // every command line so far ended in LF alone
    bool lf_noted_ = false;

    bool tls_active_ = false;
    TlsFacts tls_;
    std::string helo_;
    bool extended_ = false;
    std::string login_; // "" = not authenticated
    std::unique_ptr<proto::SaslServer> sasl_;

    MailTransaction mail_;
    AcceptedRecipient asked_; // of the RCPT under way
    std::unique_ptr<proto::DotReader> data_;
    ContentScanner scanner_;
    std::string head_; // the beginning of the content until its first line is whole
    bool head_done_ = false;
    bool no_space_ = false;
};

} // namespace posada::smtpd
