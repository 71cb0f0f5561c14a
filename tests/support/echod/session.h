// SPDX-License-Identifier: BSD-2-Clause
// One dialog, pure: bytes and answers go in, effects come out. While it waits for an answer it eats no input.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/proto/dialog.h"
#include "common/proto/line.h"
#include "common/proto/login.h"
#include "tests/support/echod/commands.h"

namespace posada::echod {

// The same for all sessions of a process.
struct Policy {
    std::string greeting;
    bool transcript = false;
};
struct Peer {
    bool tls_available = false;
    bool plaintext_auth = false;
};

enum class Question : std::uint8_t { upper, open, where, name_client };
struct AskMonitor {
    Question question;
    std::string text;
};
struct OpenFile { // by the agent
    std::string name;
};
struct SendFile {}; // the one that was opened
struct Crash {};
using Effect = std::variant<proto::SendReply, proto::StartTls, proto::CheckPassword, AskMonitor, OpenFile, SendFile,
                            Crash, proto::LogNote, proto::Close>;

class Session {
  public:
    explicit Session(const Policy& policy) : policy_(policy), lines_(512) {} // policy outlives us
    void set_peer(Peer peer) { peer_ = peer; }
    void greet() { reply(policy_.greeting); }
    std::size_t consume(std::string_view input);
    std::vector<Effect> take_effects() { return std::exchange(effects_, {}); }
    [[nodiscard]] bool waiting() const { return waiting_ || closed_; }
    [[nodiscard]] bool closed() const { return closed_; }

    void tls_started();
    void answered(std::string_view text);
    void refused(std::string_view why);
    void login_accepted(std::string_view account);
    void login_refused(proto::LoginRefusal why);
    void file_opened(std::uint64_t size);
    void timeout() { close("timeout"); }
    void shut_down() { close("server stops"); }

  private:
    friend std::span<const proto::CommandRow<Session>> commands() noexcept;
    void on_echo(std::string_view arg) { reply(arg); }
    void on_upper(std::string_view arg) { ask(AskMonitor{Question::upper, std::string(arg)}); }
    void on_open(std::string_view) { ask(AskMonitor{Question::open, {}}); }
    void on_where(std::string_view) { ask(AskMonitor{Question::where, {}}); }
    void on_name(std::string_view arg) { ask(AskMonitor{Question::name_client, std::string(arg)}); }
    void on_login(std::string_view arg);
    void on_read(std::string_view arg) { ask(OpenFile{std::string(arg)}); }
    void on_starttls(std::string_view);
    void on_crash(std::string_view) { effects_.emplace_back(Crash{}); }
    void on_quit(std::string_view);

    void on_line(std::string_view line);
    void reply(std::string_view text) { send('+', text); }
    void send(char verdict, std::string_view text);
    void ask(Effect effect);
    void close(std::string reason);
    void transcript(std::string_view from, std::string_view line);

    const Policy& policy_;
    Peer peer_;
    proto::LineReader lines_;
    std::vector<Effect> effects_;
    State state_ = state_start;
    bool tls_active_ = false;
    bool waiting_ = false;
    bool closed_ = false;
};

} // namespace posada::echod
