// SPDX-License-Identifier: BSD-2-Clause
// One POP3 dialog, pure: bytes and answers go in, effects come out; there is no descriptor and no clock here. The
// driver (conn.cc) performs the effects in their order and calls back. While the session waits for an answer it eats no
// input, so pipelined commands keep their order and nothing behind STLS is read as a command.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/proto/dialog.h"
#include "common/proto/line.h"
#include "common/proto/login.h"
#include "common/proto/reply.h"
#include "common/proto/sasl.h"
#include "pop3d/commands.h"
#include "pop3d/options.h"
#include "pop3d/session_maildrop.h"
#include "pop3d/texts.h"

namespace posada::pop3d {

constexpr std::size_t max_command_line = 512; // octets with CRLF after login; RFC 2449 §4 asks for 255

// The same for all sessions of a process.
struct Policy : Pop3Options {
    std::string hostname;
    bool scram = false; // every account has a verifier
    bool transcript = false;
};

struct Peer {
    bool tls_available = false;
    bool plaintext_auth = false;  // secrets may pass without TLS
    std::string apop_challenge{}; // "<...@...>" from the monitor; empty: APOP is not offered
};

// ---- effects

using proto::CheckPassword;
using proto::Close;
using proto::LogNote;
using proto::SendReply;
using proto::StartTls;
struct CheckApop {
    std::string user;
    std::string digest; // 32 hexadecimal digits
};
struct OpenMailbox {};
struct OpenMessage {
    std::uint32_t number;
};
// The message just opened, dot-stuffed and ended: all of it, or the header and so many lines of the body.
struct SendMessage {
    std::optional<std::uint64_t> body_lines;
};
struct RemoveMessages {
    std::vector<std::uint32_t> numbers;
    std::vector<std::uint32_t> seen; // sent by RETR and not removed; one of the two is not empty
};
using Effect = std::variant<SendReply, StartTls, CheckPassword, CheckApop, proto::SaslScramFirst, proto::SaslScramFinal,
                            OpenMailbox, OpenMessage, SendMessage, RemoveMessages, LogNote, Close>;

// ---- answers

using proto::LoginRefusal;
enum class MailboxRefusal : std::uint8_t { in_use, temporary, permanent };
enum class MessageRefusal : std::uint8_t { gone, temporary };

class Session {
  public:
    // policy outlives the session.
    explicit Session(const Policy& policy);

    // What is known of the client, before greet(): a PROXY header may have said who it is.
    void set_peer(Peer peer) { peer_ = std::move(peer); }
    void greet();
    // Eats as much as it can; returns how much.
    std::size_t consume(std::string_view input);
    std::vector<Effect> take_effects();

    // Implicit TLS: before greet(). STLS: everything said before is forgotten. exporter: RFC 9266, may be empty.
    void tls_started(std::string exporter);
    void login_accepted(std::string_view account);
    void login_refused(LoginRefusal why);
    void scram_started(std::string_view server_first);
    void scram_accepted(std::string_view server_signature, std::string_view account);
    // hidden: messages above the limit of one session.
    void mailbox_opened(Maildrop maildrop, std::uint64_t hidden);
    void mailbox_refused(MailboxRefusal why);
    void message_opened();
    void message_refused(MessageRefusal why);
    void message_sent();
    void messages_removed();
    void removal_failed();
    // The agent is gone, or a message broke off in the middle.
    void mailbox_lost();
    // What was written is on its way: a long listing goes on.
    void output_drained();
    // RFC 1939 §3: no reply, and nothing is deleted.
    void timeout();
    void shut_down();

    [[nodiscard]] bool waiting() const { return wait_ != Wait::nothing || closed_; }
    [[nodiscard]] bool listing() const { return wait_ == Wait::output; }
    [[nodiscard]] bool logged_in() const { return state_ == state_transaction; }
    [[nodiscard]] bool closed() const { return closed_; }

  private:
    friend std::span<const proto::CommandRow<Session>> commands() noexcept;
    friend std::span<const proto::Capability<Session>> general_capabilities() noexcept;

    enum class Wait : std::uint8_t { nothing, tls, login, mailbox, message, transfer, output, removal };
    enum class Listing : std::uint8_t { octets, uidl };

    // session.cc: lines and replies
    void on_line(const proto::LineEvent& event);
    void on_bad_line(const proto::LineEvent& event);
    void on_command(std::string_view line);
    void refuse(const proto::Walked<Session>& walked);
    using Words = std::initializer_list<std::string_view>;
    void ok(Text text, Words words = {});
    void ok_data(std::string_view text); // for programs: the same in every language
    void error(Text text, std::string_view response_code = {}, Words words = {});
    void bad_command(Text text, std::string_view response_code = {}, Words words = {});
    void bad_syntax(const proto::CommandRow<Session>& row);
    [[nodiscard]] proto::Charset charset() const;
    [[nodiscard]] std::string say(Text text, Words words) const { return pop3d::say(language_, text, words); }
    void send(std::string bytes);
    void close(std::string reason);
    void note(const LogEvent& event, std::vector<LogField> fields);
    void transcript(std::string_view from, std::string_view line);
    [[nodiscard]] proto::WalkContext walk_context() const;

    // session_info.cc: what the server can do
    void on_capa(std::string_view arg);
    void on_help(std::string_view arg);
    void on_utf8(std::string_view arg);
    void on_lang(std::string_view arg);
    void list_languages();
    [[nodiscard]] bool announces(const proto::CommandRow<Session>& row) const;
    static std::string expire_words(const Session& session);
    static std::string login_delay_words(const Session& session);
    static std::string implementation_words(const Session& session);

    // session_login.cc
    void on_stls(std::string_view arg);
    void on_user(std::string_view arg);
    void on_pass(std::string_view arg);
    void on_apop(std::string_view arg);
    void on_auth(std::string_view arg);
    void on_auth_line(std::string_view line);
    void list_mechanisms();
    void auth_step(proto::SaslStep step);
    void auth_failed(const proto::SaslFailed& failed);
    void open_mailbox(std::string_view account);
    [[nodiscard]] std::vector<proto::SaslMechanism> mechanisms() const;
    static std::string mechanism_words(const Session& session);

    // session_mail.cc
    void on_stat(std::string_view arg);
    void on_list(std::string_view arg);
    void on_uidl(std::string_view arg);
    void on_retr(std::string_view arg);
    void on_top(std::string_view arg);
    void on_dele(std::string_view arg);
    void on_rset(std::string_view arg);
    void on_noop(std::string_view arg);
    void on_quit(std::string_view arg);
    std::optional<std::uint32_t> message_number(std::string_view arg);
    void list(Listing what, std::string_view arg);
    void list_more();
    [[nodiscard]] std::string listing_line(std::uint32_t number) const;
    void sign_off();

    const Policy& policy_;
    Peer peer_;
    std::vector<Effect> effects_;
    proto::LineReader lines_;
    State state_ = state_authorization;
    const proto::CommandRow<Session>* row_ = nullptr; // of the command under way
    Wait wait_ = Wait::nothing;
    bool closed_ = false;
    std::uint32_t bad_commands_ = 0;

    bool tls_active_ = false;
    bool utf8_ = false;
    Language language_ = Language::english;
    std::string exporter_; // of TLS, for SCRAM-SHA-256-PLUS
    std::string user_;
    std::unique_ptr<proto::SaslServer> sasl_;

    std::string account_;
    Maildrop maildrop_;
    std::uint32_t requested_ = 0;             // the message asked for
    std::optional<std::uint64_t> body_lines_; // by TOP
    Listing listing_ = Listing::octets;
    std::uint32_t next_listed_ = 0;
};

} // namespace posada::pop3d
