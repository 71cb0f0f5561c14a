// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/agent.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>

#include "tests/unit/common/priv/confined.h"

namespace posada::priv::testing {
namespace {

class AgentTest : public ::testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/posada-agent-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        dir_ = name;
        ASSERT_EQ(::mkdir((dir_ + "/mail").c_str(), 0700), 0);
        auto log = make_seqpacket_pair();
        ASSERT_TRUE(log.ok());
        log_in_ = std::move(log->first);
        log_out_ = std::move(log->second);
        spec_.title = "test: user [agent]";
        spec_.uid = ::geteuid() == 0 ? test_uid : ::geteuid();
        spec_.gid = ::geteuid() == 0 ? test_uid : ::getegid();
        spec_.trees = {{dir_ + "/mail", LandlockAccess::read_write}};
        spec_.log_fd = log_out_.get();
        const bool owned = ::geteuid() != 0 || (::chown((dir_ + "/mail").c_str(), test_uid, test_uid) == 0 &&
                                                ::chmod(dir_.c_str(), 0711) == 0);
        ASSERT_TRUE(owned);
        auto prepared = prepare_sandbox(SandboxProfile::agent_files, SandboxMode::enforce, spec_.log_fd);
        ASSERT_TRUE(prepared.ok());
        prepared_ = std::move(*prepared);
    }
    void TearDown() override {
        if (!dir_.empty() && std::system(("rm -rf " + dir_).c_str()) != 0) ADD_FAILURE() << dir_ << " remains";
    }

    std::string dir_;
    UniqueFd log_in_;
    UniqueFd log_out_;
    AgentSpec spec_;
    PreparedSandbox prepared_;
};

int status_of(pid_t pid) {
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
}

TEST_F(AgentTest, RunsAsTheUserInItsTreeAndAnswers) {
    for (int run = 0; run < 2; ++run) { // the prepared sandbox serves many
        auto agent = start_agent(prepared_, spec_, [&](Channel channel) {
            const auto request = channel.receive(0);
            if (!request || !request->has_value()) return 1;
            const UniqueFd file(::open((dir_ + "/mail/message").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
            const bool outside =
                ::open("/etc/passwd", O_RDONLY) >= 0; // without Landlock a user's rights are all there is
            const bool confined = sandboxed() && (!outside || landlock_abi() < 2);
            const std::string who = std::to_string(::getuid()) + (file.valid() && confined ? " ok" : " not");
            return channel.send(3, 0, encode_ok(who)) ? 0 : 2;
        });
        ASSERT_TRUE(agent.ok());
        Channel channel(std::move(agent->channel));
        const auto answer = channel.call(2, 0, "");
        ASSERT_TRUE(answer.ok()) << answer.error().describe();
        EXPECT_EQ(*decode_answer(answer->payload), std::to_string(spec_.uid) + " ok");
        EXPECT_EQ(status_of(agent->pid), 0);
    }
}

TEST_F(AgentTest, WhatItMakesIsItsUsersWhateverTheLauncherWasStartedWith) {
    const mode_t before = ::umask(0);
    auto agent = start_agent(prepared_, spec_, [&](const Channel&) {
        return ::open((dir_ + "/mail/made").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666) >= 0 ? 0 : 1;
    });
    ::umask(before);
    ASSERT_TRUE(agent.ok());
    EXPECT_EQ(status_of(agent->pid), 0);
    struct stat st {};
    ASSERT_EQ(::stat((dir_ + "/mail/made").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777U, 0600U);
}

TEST_F(AgentTest, HasItsChannelAndTheLogAndNothingElse) {
    const UniqueFd secret(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto agent = start_agent(prepared_, spec_, [&](const Channel& channel) {
        int open = 0;
        for (int fd = 3; fd < 64; ++fd)
            if (::fcntl(fd, F_GETFD) >= 0) ++open;
        const bool both = ::fcntl(channel.fd(), F_GETFD) >= 0 && ::fcntl(spec_.log_fd, F_GETFD) >= 0;
        struct stat null {};
        struct stat input {};
        struct stat output {};
        ::fstat(0, &input);
        ::fstat(1, &output);
        const bool nothing = ::stat("/dev/null", &null) == 0 && input.st_rdev == null.st_rdev &&
                             output.st_rdev == null.st_rdev && S_ISCHR(input.st_mode) && S_ISCHR(output.st_mode);
        return open == 2 && both && nothing ? 0 : 1;
    });
    ASSERT_TRUE(agent.ok());
    EXPECT_EQ(status_of(agent->pid), 0);
}

TEST_F(AgentTest, AStarterWithManyDescriptorsStartsAgentsAllTheSame) {
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 500; ++i) clients.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto agent = start_agent(prepared_, spec_, [&](const Channel&) {
        const UniqueFd file(::open((dir_ + "/mail/message").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        return file.valid() ? 0 : 1;
    });
    ASSERT_TRUE(agent.ok());
    EXPECT_EQ(status_of(agent->pid), 0);
}

TEST_F(AgentTest, ATreeToReadIsNotWrittenTo) {
    if (landlock_abi() < 2) GTEST_SKIP() << "needs Landlock: without it a user's rights are all there is";
    const std::string path = dir_ + "/mail/given";
    ASSERT_GE(UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666)).get(), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
    spec_.trees = {{dir_ + "/mail", LandlockAccess::read_only}};
    auto agent = start_agent(prepared_, spec_, [&](const Channel&) {
        if (::open(path.c_str(), O_RDONLY | O_CLOEXEC) < 0) return 1;
        if (::open(path.c_str(), O_WRONLY | O_CLOEXEC) >= 0) return 2;
        return ::open((dir_ + "/mail/new").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 ? 0 : 3;
    });
    ASSERT_TRUE(agent.ok());
    EXPECT_EQ(WEXITSTATUS(status_of(agent->pid)), 0);
}

TEST_F(AgentTest, MissingTreeEndsItBeforeItsWork) {
    spec_.trees = {{dir_ + "/absent", LandlockAccess::read_write}};
    auto agent = start_agent(prepared_, spec_, [](const Channel&) { return 0; });
    ASSERT_TRUE(agent.ok());
    EXPECT_EQ(WEXITSTATUS(status_of(agent->pid)), 71);
    Channel channel(std::move(agent->channel));
    const auto end = channel.receive(0);
    EXPECT_TRUE(end.ok() && !end->has_value()) << "the other end must see end of file";
}

TEST_F(AgentTest, WhyItCouldNotStartGoesToTheLogChannelWhateverTheStarterLogsTo) {
    spec_.trees = {{dir_ + "/absent", LandlockAccess::read_write}};
    auto agent = start_agent(prepared_, spec_, [](const Channel&) { return 0; });
    ASSERT_TRUE(agent.ok());
    EXPECT_EQ(WEXITSTATUS(status_of(agent->pid)), 71);
    std::string line(1000, '\0');
    const ssize_t n = ::recv(log_in_.get(), line.data(), line.size(), MSG_DONTWAIT);
    line.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    EXPECT_EQ(line,
              "agent-error agent=\"test: user [agent]\" error=\"" + dir_ + "/absent: No such file or directory\"");
}

TEST_F(AgentTest, TreeTheUserCannotEnterEndsItToo) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: without it the agent has the owner's rights";
    const std::string path = dir_ + "/private";
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    ASSERT_EQ(::mkdir((path + "/mail").c_str(), 0777), 0);
    spec_.trees = {{path + "/mail", LandlockAccess::read_write}};
    auto agent = start_agent(prepared_, spec_, [](const Channel&) { return 0; });
    ASSERT_TRUE(agent.ok());
    EXPECT_EQ(WEXITSTATUS(status_of(agent->pid)), 71);
}

TEST_F(AgentTest, NeverRunsAsRoot) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: only root could";
    spec_.uid = 0;
    auto agent = start_agent(prepared_, spec_, [](const Channel&) { return 0; });
    ASSERT_TRUE(agent.ok());
    EXPECT_EQ(WEXITSTATUS(status_of(agent->pid)), 71);
}

} // namespace
} // namespace posada::priv::testing
