// SPDX-License-Identifier: BSD-2-Clause
// SessionDriver<Session>: a Connection that drives a pure session. It feeds the session with what the client sent,
// performs its effects in their order, and goes on until everything waits: for input, for an answer, or for the client
// to read. A daemon's Conn adds its own effects and says how long the client may be silent.
//
// Session has take_effects() (a vector of Effect, a variant), consume(input) or consume(input, now), waiting(),
// closed(), timeout(), shut_down(); one that logs clients in also login_accepted(), login_refused(), scram_started()
// and scram_accepted().
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/log.h"
#include "common/proto/dialog.h"
#include "common/service/net/connection.h"
#include "common/service/net/login_client.h"

namespace posada::service {

constexpr std::size_t most_queued = 64 * 1024; // octets of output; more waits until the client has read

template <class Session>
class SessionDriver : public Connection {
  public:
    using Effect = typename decltype(std::declval<Session&>().take_effects())::value_type;

    void stop() override {
        session_.shut_down();
        run();
    }

  protected:
    // policy outlives us.
    template <class Policy>
    SessionDriver(NetContext& context, const Policy& policy, Accepted accepted, unsigned max_fds,
                  std::function<void()> finished)
        : Connection(context, std::move(accepted), max_fds, std::move(finished)), session_(policy) {
        stream().set_low_water(most_queued);
    }

    // One line in every Conn: std::visit([this](const auto& e) { act(e); }, effect), with `using SessionDriver::act`.
    virtual void perform(const Effect& effect) = 0;
    // How long the client may be silent after a reply; nothing: the deadline that was set last stands.
    [[nodiscard]] virtual std::optional<Millis> patience() = 0;
    [[nodiscard]] virtual bool may_consume() { return !session_.waiting(); }
    // The client has read what was written: true when the session had more for it.
    virtual bool write_more() { return false; }
    virtual void settled() {}            // everything waits now
    virtual void take_agent(UniqueFd) {} // of the user who logged in, before login_accepted()
    [[nodiscard]] Session& session() { return session_; }

    // To be called when the session was told something.
    void run();
    [[nodiscard]] bool client_reads() { return stream().pending_output() <= most_queued; }
    void set_deadline(Millis after) {
        idle_since_ = {};
        stream().set_deadline(after);
    }
    void restart_idle_time();

    void act(const proto::SendReply& reply) {
        restart_idle_time();
        stream().write(reply.bytes);
    }
    void act(const proto::StartTls&) { tls_due_ = true; }
    void act(const proto::LogNote& note);
    void act(const proto::Close& effect) { close(effect.reason); }
    void act(const proto::CheckPassword& check) { ask_login(monitor(), accepted().id, check, on_login()); }
    void act(const proto::SaslScramFirst& first);
    void act(const proto::SaslScramFinal& final);
    [[nodiscard]] OnLogin on_login();

    void on_input() override { run(); }
    void on_drained() override { run(); }
    void on_timeout() override {
        session_.timeout();
        run();
    }
    [[nodiscard]] bool busy() override {
        return !session_.closed() && (session_.waiting() || !stream().input().empty());
    }

  private:
    bool step();
    bool perform_all();
    std::size_t feed();
    void refuse(const Error& error);

    Session session_;
    bool running_ = false;
    bool tls_due_ = false;
    Instant idle_since_{}; // as the deadline knows it
};

template <class Session>
void SessionDriver<Session>::run() {
    if (std::exchange(running_, true)) return; // an answer that came at once: the loop below goes on with it
    context().serving(accepted().id);
    while (step()) {
    }
    running_ = false;
    if (input_ended() && !busy()) close("closed by client");
    settled();
}

// False: nothing more can be done now.
template <class Session>
bool SessionDriver<Session>::step() {
    if (perform_all()) return true;
    if (closing() || !client_reads()) return false;
    if (write_more()) return true;
    if (!may_consume() || stream().input().empty()) return false;
    const std::size_t used = feed();
    const bool performed = perform_all(); // before the input goes: effects may point into it
    stream().consume(used);
    if (std::exchange(tls_due_, false)) start_tls(); // input behind the command is an attack
    return performed || used != 0;
}

template <class Session>
bool SessionDriver<Session>::perform_all() {
    bool any = false;
    for (auto effects = session_.take_effects(); !effects.empty(); effects = session_.take_effects()) {
        for (const Effect& effect : effects) perform(effect);
        any = true;
    }
    return any;
}

template <class Session>
std::size_t SessionDriver<Session>::feed() {
    if constexpr (requires(Session & s) { s.consume(std::string_view(), UnixTime{}); })
        return session_.consume(stream().input(), context().loop.clock().unix_now());
    else
        return session_.consume(stream().input());
}

// Setting a deadline asks the kernel what the client has confirmed: not for each of a thousand mails in a second. The
// time is never shorter than configured.
template <class Session>
void SessionDriver<Session>::restart_idle_time() {
    const auto idle = patience();
    if (!idle) return;
    const Millis slack = std::min(Millis(1'000), *idle / 64);
    const Instant now = context().loop.clock().now();
    if (now < idle_since_ + slack) return;
    stream().set_deadline(*idle + slack);
    idle_since_ = now;
}

template <class Session>
void SessionDriver<Session>::act(const proto::LogNote& note) {
    std::vector<LogField> fields{{"rip", accepted().peer.ip()}, {"session", std::to_string(accepted().id)}};
    fields.insert(fields.end(), note.fields.begin(), note.fields.end());
    log(*note.event, fields);
}

template <class Session>
void SessionDriver<Session>::refuse(const Error& error) {
    session_.login_refused(login_refusal(error));
    run();
}

// When the session is closed nobody waits: an agent that comes ends with its channel.
template <class Session>
OnLogin SessionDriver<Session>::on_login() {
    return [this](Result<LoginAnswer> login) {
        if (session_.closed()) return;
        if (!login) return refuse(login.error());
        take_agent(std::move(login->agent));
        session_.login_accepted(std::move(login->name));
        run();
    };
}

template <class Session>
void SessionDriver<Session>::act(const proto::SaslScramFirst& first) {
    ask_scram(monitor(), accepted().id, first, [this](const Result<std::string>& server_first) {
        if (session_.closed()) return;
        if (!server_first) return refuse(server_first.error());
        session_.scram_started(*server_first);
        run();
    });
}

template <class Session>
void SessionDriver<Session>::act(const proto::SaslScramFinal& final) {
    ask_login(monitor(), accepted().id, final, [this](Result<LoginAnswer> login) {
        if (session_.closed()) return;
        if (!login) return refuse(login.error());
        take_agent(std::move(login->agent));
        session_.scram_accepted(login->server_signature, login->name);
        run();
    });
}

} // namespace posada::service
