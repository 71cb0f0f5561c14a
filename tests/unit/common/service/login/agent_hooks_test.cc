// SPDX-License-Identifier: BSD-2-Clause
// The agent that comes with a login: who becomes it, and when there is none.
#include "common/service/login/agent_hooks.h"
#include "tests/unit/common/service/login/login_fixture.h"

namespace posada::service {
namespace {

struct LoginAgentTest : LoginTest {};

struct Hello {
    pid_t group = 0;
    uid_t uid = 0;
    bool asked_another_backend = false;
};
Hello hear(UniqueFd channel) {
    priv::Channel agent(std::move(channel));
    if (!agent.send(2, 0, {})) return {};
    const auto received = agent.receive(0);
    if (!received || !received->has_value()) return {};
    Reader r((*received)->payload);
    const auto group = static_cast<pid_t>(r.u32());
    const uid_t uid = r.u32();
    return {group, uid, r.boolean()};
}

TEST_F(LoginAgentTest, TheWorkerThatReadTheUsersFileGoesOnAsTheAgent) {
    OneHook hook(*loop);
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), &hook);
    ASSERT_TRUE(login(session, link, "daniel", "hungry").ok());
    ASSERT_EQ(link.answers[0].fds.size(), 1U);
    const Hello agent = hear(std::move(link.answers[0].fds[0]));
    EXPECT_EQ(hook.account.uid, 70'000U);
    EXPECT_EQ(agent.group, ::getpgrp()); // with the service, not with the worker
    EXPECT_EQ(agent.uid, ::geteuid() == 0 ? 70'000U : ::geteuid());
}

// The worker's own timer runs out a second after the deadline.
TEST_F(LoginAgentTest, AnAgentLivesLongerThanALoginMayTake) {
    config.deadline = Millis(200);
    OneHook hook(*loop);
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), &hook);
    ASSERT_TRUE(login(session, link, "daniel", "hungry").ok());
    ASSERT_EQ(link.answers[0].fds.size(), 1U);
    run_for(Millis(1'500));
    EXPECT_EQ(hear(std::move(link.answers[0].fds[0])).group, ::getpgrp());
}

// Else the second would hear of a free worker at its deadline.
TEST_F(LoginAgentTest, AWorkerThatIsAnAgentMakesRoomForTheNextLogin) {
    config.workers = 1;
    config.deadline = Seconds(4);
    OneHook hook(*loop);
    FakeLink first_link(*loop);
    FakeLink second_link(*loop);
    LoginSession first(service(), first_link, info(), &hook);
    LoginSession second(service(), second_link, info(), &hook);
    send_password(first, "daniel", "hungry");
    send_password(second, "daniel", "hungry");
    EXPECT_TRUE(wait(first_link, 0).ok());
    EXPECT_TRUE(wait(second_link, 0).ok());
}

// What PAM modules read of /etc/shadow stays in the worker.
TEST_F(LoginAgentTest, AfterAnotherBackendTheAgentIsAProcessOfItsOwn) {
    struct FirstUnknown final : auth::Backend {
        auth::Decision check(const auth::Attempt&, auth::Hasher&) override {
            asked_another_backend = true;
            return {};
        }
    };
    service().set_backends([](const LoginConfig& c) {
        std::vector<std::unique_ptr<auth::Backend>> out;
        out.push_back(std::make_unique<FirstUnknown>());
        out.push_back(std::make_unique<auth::UsersBackend>(c.users_file));
        return out;
    });
    OneHook hook(*loop);
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), &hook);
    ASSERT_TRUE(login(session, link, "daniel", "hungry").ok());
    ASSERT_EQ(link.answers[0].fds.size(), 1U);
    EXPECT_FALSE(hear(std::move(link.answers[0].fds[0])).asked_another_backend);
}

TEST_F(LoginAgentTest, AUserWhoMayNotComeInLeavesTheSessionBeforeLogin) {
    OneHook hook(*loop);
    hook.error = Error{Errc::in_use, 0, "held"};
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), &hook);
    const auto body = login(session, link, "daniel", "hungry");
    EXPECT_EQ(body.error().code, Errc::in_use);
    EXPECT_EQ(link.phase(), before_login);
    EXPECT_TRUE(link.answers[0].fds.empty());
    EXPECT_NE(logged.lines.back().find("auth-temp"), std::string::npos);
    hook.error.reset();
    EXPECT_TRUE(login(session, link, "daniel", "hungry").ok());
}

TEST_F(LoginAgentTest, ARefusedLoginHasNoAgent) {
    OneHook hook(*loop);
    FakeLink link(*loop);
    LoginSession session(service(), link, info(), &hook);
    EXPECT_EQ(login(session, link, "daniel", "angry").error().code, Errc::denied);
    EXPECT_TRUE(link.answers[0].fds.empty());
}

} // namespace
} // namespace posada::service
