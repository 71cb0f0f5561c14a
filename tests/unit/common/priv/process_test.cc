// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/fork.h"
#include "common/priv/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"

namespace posada::priv {
namespace {

int wait_for(pid_t pid) {
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
}

// What a program sees, as reported by /bin/sh on the descriptor mapped to 5.
std::string seen_by_program(const std::string& script) {
    auto pipe = make_pipe();
    if (!pipe) return "no pipe";
    const auto pid = fork_process([&] {
        const FdMapping fds[] = {{pipe->second.get(), 5}};
        exec_program("/bin/sh", {"sh", "-c", script}, fds);
        return 99;
    });
    pipe->second.reset();
    const auto output = read_all(pipe->first.get(), 65536);
    if (!pid || wait_for(*pid) != 0 || !output) return "failed";
    return *output;
}

TEST(ExecProgram, HasTheMappedDescriptorsAndNoOther) {
    const UniqueFd leak(::open("/dev/null", O_RDONLY)); // without O_CLOEXEC, as a careless library opens it
    const std::string fds = seen_by_program(
        "for n in 0 1 2 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$n && list=$list$n; done; echo $list >&5");
    EXPECT_EQ(fds, "0125\n") << "with " << leak.get() << " open before";
}

TEST(ExecProgram, StandardInputAndOutputAreNull) {
    EXPECT_EQ(seen_by_program("seen=$(readlink /proc/$$/fd/0 /proc/$$/fd/1); echo \"$seen\" >&5"),
              "/dev/null\n/dev/null\n");
}

TEST(ExecProgram, MappingsMayCross) {
    auto a = make_pipe();
    auto b = make_pipe();
    ASSERT_TRUE(a.ok() && b.ok());
    const auto pid = fork_process([&] {
        // Each source is the other's target.
        const FdMapping fds[] = {{a->second.get(), b->second.get()}, {b->second.get(), a->second.get()}};
        const std::string script =
            "echo toA >&" + std::to_string(b->second.get()) + "; echo toB >&" + std::to_string(a->second.get());
        exec_program("/bin/sh", {"sh", "-c", script}, fds);
        return 99;
    });
    ASSERT_TRUE(pid.ok());
    EXPECT_EQ(wait_for(*pid), 0);
    a->second.reset();
    b->second.reset();
    EXPECT_EQ(*read_all(a->first.get(), 100), "toA\n");
    EXPECT_EQ(*read_all(b->first.get(), 100), "toB\n");
}

TEST(ExecProgram, TargetsMayBeTheNextFreeNumbers) {
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe.ok());
    auto next = duplicate_fd(pipe->second.get());
    ASSERT_TRUE(next.ok());
    const int target = next->get();
    next->reset();
    const auto pid = fork_process([&] {
        const FdMapping fds[] = {{pipe->second.get(), target}, {pipe->second.get(), target + 1}};
        const std::string script = "echo a >&" + std::to_string(target) + "; echo b >&" + std::to_string(target + 1);
        exec_program("/bin/sh", {"sh", "-c", script}, fds);
        return 99;
    });
    ASSERT_TRUE(pid.ok());
    EXPECT_EQ(wait_for(*pid), 0);
    pipe->second.reset();
    EXPECT_EQ(*read_all(pipe->first.get(), 100), "a\nb\n");
}

TEST(ExecProgram, EnvironmentIsMinimal) {
    ::setenv("POSADA_TEST_SECRET", "secret", 1);
    ::setenv("TZ", "UTC", 1);
    ::setenv("LD_PRELOAD_TEST", "x", 1);
    const std::string variables = seen_by_program("env >&5");
    ::unsetenv("TZ");
    EXPECT_EQ(variables.find("SECRET"), std::string::npos) << variables;
    EXPECT_EQ(variables.find("LD_PRELOAD"), std::string::npos) << variables;
    EXPECT_NE(variables.find("TZ=UTC\n"), std::string::npos) << variables;
    EXPECT_NE(variables.find("PATH=/usr/bin:/bin\n"), std::string::npos) << variables;
}

TEST(ExecProgram, SaysWhyNot) {
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe.ok());
    const auto pid = fork_process([&] {
        const Error error = exec_program("/nonexistent/program", {"program"}, {});
        return error.code == Errc::not_found && error.text == "/nonexistent/program" &&
                       write_all(pipe->second.get(), "still open").ok()
                   ? 0
                   : 1;
    });
    ASSERT_TRUE(pid.ok());
    EXPECT_EQ(wait_for(*pid), 0) << "the reason, and the descriptors to report it with";
}

TEST(ExecProgram, RefusesToMapTheStandardDescriptors) {
    const auto pid = fork_process([] {
        const FdMapping fds[] = {{2, 1}};
        return exec_program("/bin/true", {"true"}, fds).code == Errc::invalid ? 0 : 1;
    });
    ASSERT_TRUE(pid.ok());
    EXPECT_EQ(wait_for(*pid), 0);
}

void wait_until_dead(pid_t pid) {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
}

TEST(Reaper, ReportsTheEndOfItsChild) {
    const auto pid = fork_process([] { return 3; });
    ASSERT_TRUE(pid.ok());
    Reaper reaper;
    int status = -1;
    reaper.add(*pid, [&](int s) { status = s; });
    wait_until_dead(*pid);
    reaper.reap();
    EXPECT_EQ(WEXITSTATUS(status), 3);
    EXPECT_EQ(reaper.size(), 0U);
}

TEST(Reaper, LeavesTheChildrenOfOthersAlone) {
    const auto mine = fork_process([] { return ::pause(); });
    const auto foreign = fork_process([] { return 4; });
    ASSERT_TRUE(mine.ok() && foreign.ok());
    Reaper reaper;
    reaper.add(*mine, [](int) {});
    wait_until_dead(*foreign);
    reaper.reap();
    EXPECT_EQ(WEXITSTATUS(wait_for(*foreign)), 4) << "somebody else's child was taken";
    ::kill(*mine, SIGKILL);
    wait_for(*mine);
}

TEST(Reaper, LeavesRunningChildrenAlone) {
    const auto pid = fork_process([] { return ::pause(); });
    ASSERT_TRUE(pid.ok());
    Reaper reaper;
    bool ended = false;
    reaper.add(*pid, [&](int) { ended = true; });
    reaper.reap();
    EXPECT_FALSE(ended);
    EXPECT_EQ(reaper.size(), 1U);
    ::kill(*pid, SIGKILL);
    wait_until_dead(*pid);
    reaper.reap();
    EXPECT_TRUE(ended);
}

TEST(Reaper, CallbackMayAddAndForget) {
    const auto first = fork_process([] { return 0; });
    const auto second = fork_process([] { return 0; });
    ASSERT_TRUE(first.ok() && second.ok());
    wait_until_dead(*first);
    wait_until_dead(*second);
    Reaper reaper;
    int calls = 0;
    const auto on_exit = [&](int) {
        ++calls;
        reaper.forget(*first);
        reaper.forget(*second);
    };
    reaper.add(*first, on_exit);
    reaper.add(*second, on_exit);
    reaper.reap();
    EXPECT_EQ(calls, 1) << "the second was forgotten by the first's end";
    EXPECT_EQ(reaper.size(), 0U) << "and is reaped all the same";
    EXPECT_EQ(::waitpid(*second, nullptr, WNOHANG), -1);
}

TEST(Reaper, StolenChildStillEnds) {
    const auto pid = fork_process([] { return 0; });
    ASSERT_TRUE(pid.ok());
    wait_for(*pid);
    Reaper reaper;
    int status = 0;
    reaper.add(*pid, [&](int s) { status = s; });
    reaper.reap();
    EXPECT_EQ(WEXITSTATUS(status), 127);
    EXPECT_EQ(reaper.size(), 0U);
}

} // namespace
} // namespace posada::priv
