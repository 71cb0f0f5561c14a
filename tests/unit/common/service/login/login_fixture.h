// SPDX-License-Identifier: BSD-2-Clause
// A LoginService over a users file with one user, daniel, password hungry; a link and hooks that remember.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/auth/scram.h"
#include "common/auth/users_file.h"
#include "common/base/bytes.h"
#include "common/base/log.h"
#include "common/service/login/agent_hooks.h"
#include "tests/unit/common/auth/scratch.h"

namespace posada::service {
namespace {

class CaptureSink final : public LogSink {
  public:
    CaptureSink() : previous_(set_log_sink(this)) {}
    ~CaptureSink() override { set_log_sink(previous_); }
    void write(const LogEvent&, std::string_view line) noexcept override { lines.emplace_back(line); }
    std::vector<std::string> lines;

  private:
    LogSink* previous_;
};

struct Answer {
    std::uint16_t type = 0;
    std::string payload;
    std::vector<UniqueFd> fds;
};

class FakeLink final : public MonitorLink {
  public:
    explicit FakeLink(io::Loop& l) : loop_(l) {}
    void answer(std::uint16_t type, std::string_view payload, std::span<const int> fds) override {
        gate_.answered(type, payload);
        answers.push_back({type, std::string(payload), {}});
        for (const int fd : fds) answers.back().fds.push_back(std::move(*duplicate_fd(fd)));
        loop_.stop();
    }
    void kill(std::string_view why) override {
        killed = why;
        loop_.stop();
    }
    io::Loop& loop() override { return loop_; }

    std::vector<Answer> answers;
    std::string killed;
    [[nodiscard]] priv::Phase phase() const { return gate_.phase(); }

  private:
    priv::RequestGate gate_{LoginRequests::rows};
    io::Loop& loop_;
};

bool asked_another_backend = false; // in this process

// Its agents say, when asked, who they are.
struct SomeAgents {
    explicit SomeAgents(io::Loop& loop) : all(std::move(*Agents::create(loop, priv::SandboxMode::off, -1))) {}
    std::unique_ptr<Agents> all;
};
struct OneHook final : SomeAgents, AgentHooks {
    explicit OneHook(io::Loop& loop) : SomeAgents(loop), AgentHooks(*all) {}
    Status on_login(const auth::Account& a) override {
        account = a;
        return error ? Status(*error) : Status();
    }
    [[nodiscard]] AgentPlan agent_of(const auth::Account& a) const override {
        AgentPlan plan;
        plan.spec.title = "agent of " + a.name;
        plan.spec.uid = ::geteuid() == 0 ? a.uid : ::geteuid();
        plan.spec.gid = ::geteuid() == 0 ? a.gid : ::getegid();
        plan.body = [](priv::Channel channel) {
            Writer w;
            const auto asked = channel.receive(0);
            w.u32(static_cast<std::uint32_t>(::getpgrp()));
            w.u32(::geteuid());
            w.boolean(asked_another_backend);
            return asked && channel.send(1, 0, w.bytes()) ? 0 : 1;
        };
        return plan;
    }
    auth::Account account;
    std::optional<Error> error;
};

// Sleeps for "hang", else knows nobody.
struct HangingBackend final : auth::Backend {
    auth::Decision check(const auth::Attempt& attempt, auth::Hasher&) override {
        while (attempt.user == "hang") ::pause();
        return {};
    }
};

struct LoginTest : testing::Test {
    LoginTest() {
        auth::UserEntry daniel;
        daniel.name = "daniel";
        daniel.hash = *auth::Hasher(1).hash("hungry");
        daniel.scram = auth::derive_verifier("hungry", "0123456789abcdef", auth::scram_iterations_least);
        daniel.uid = daniel.gid = 70'000;
        daniel.home = "/var/lib/posada/mail/micasa.test/daniel";
        config.service = "pop3d";
        config.pam_service = "posada-pop3";
        config.users_file = scratch.write("users", daniel.line() + "\n");
        config.secret_file = scratch.file("scram-secret");
        config.backends = {"users"};
        config.domains = {"micasa.test"};
        config.deadline = Seconds(10);
        config.throttle.delays = {Millis(60), Millis(120)};
    }
    LoginService& service() {
        if (!service_) service_ = std::make_unique<LoginService>(*loop, config);
        return *service_;
    }
    static SessionInfo info(const char* ip = "192.0.2.7") {
        SessionInfo out;
        out.id = 42;
        out.service = "pop3d";
        out.peer = *io::Address::parse(ip, 4711);
        return out;
    }
    static priv::Message message(std::uint16_t type, std::string payload) {
        priv::Message out;
        out.type = type;
        out.payload = std::move(payload);
        return out;
    }
    template <class R>
    static priv::Message message(const R& request) {
        return message(R::row.type, to_bytes(request));
    }
    static CheckPassword check(std::string_view user, std::string_view password) {
        return {std::string(user), Secret(password)};
    }
    static void send_password(LoginSession& session, std::string_view user, std::string_view password) {
        session.handle(message(check(user, password)));
    }
    // One request, its answer.
    Result<std::string> ask(LoginSession& session, FakeLink& link, priv::Message request) {
        const std::size_t before = link.answers.size();
        session.handle(std::move(request));
        return wait(link, before);
    }
    Result<std::string> wait(FakeLink& link, std::size_t before) {
        io::Timer guard(*loop, [&] { loop->stop(); });
        guard.start(Seconds(15));
        while (link.answers.size() == before && link.killed.empty() && guard.running()) loop->run();
        if (!link.killed.empty()) return Error{Errc::protocol, 0, link.killed};
        if (link.answers.size() == before) return Error{Errc::closed, 0, "no answer"};
        const auto body = priv::decode_answer(link.answers.back().payload);
        if (!body) return body.error();
        return std::string(*body);
    }
    Result<std::string> login(LoginSession& session, FakeLink& link, std::string_view user, std::string_view password) {
        return ask(session, link, message(check(user, password)));
    }
    void run_for(Millis time) {
        io::Timer end(*loop, [&] { loop->stop(); });
        end.start(time);
        while (end.running()) loop->run();
    }

    std::unique_ptr<io::Loop> loop = std::move(*io::Loop::create());
    test::Scratch scratch;
    LoginConfig config;
    CaptureSink logged;
    std::unique_ptr<LoginService> service_;
};

} // namespace
} // namespace posada::service
