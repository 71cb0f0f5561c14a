// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/fork.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

namespace posada {
namespace {

TEST(ForkProcess, ExitsWithTheBodysValue) {
    const auto pid = fork_process([] { return 42; });
    ASSERT_TRUE(pid.ok());
    EXPECT_EQ(WEXITSTATUS(wait_for(*pid)), 42);
}

extern "C" void ignore_signal(int) {}

TEST(ForkProcess, ChildStartsWithFreshSignals) {
    ::signal(SIGUSR1, ignore_signal);
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t mask;
    sigset_t before;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &mask, &before);
    const auto pid = fork_process([] {
        struct sigaction usr1 {};
        struct sigaction pipe {};
        ::sigaction(SIGUSR1, nullptr, &usr1);
        ::sigaction(SIGPIPE, nullptr, &pipe);
        sigset_t now;
        ::sigprocmask(SIG_SETMASK, nullptr, &now);
        if (usr1.sa_handler != SIG_DFL || pipe.sa_handler != SIG_IGN) return 1;
        return ::sigismember(&now, SIGTERM) == 0 ? 0 : 2;
    });
    sigset_t after;
    ::sigprocmask(SIG_SETMASK, &before, &after);
    ::signal(SIGUSR1, SIG_DFL);
    ASSERT_TRUE(pid.ok());
    EXPECT_EQ(wait_for(*pid), 0);
    EXPECT_EQ(::sigismember(&after, SIGTERM), 1) << "the parent's own mask was lost";
}

TEST(WaitStatus, ReadsWell) {
    EXPECT_EQ(describe_wait_status(W_EXITCODE(78, 0)), "exit 78");
    EXPECT_EQ(describe_wait_status(W_EXITCODE(0, SIGSEGV)), "signal 11 (SEGV)");
}

} // namespace
} // namespace posada
