// SPDX-License-Identifier: BSD-2-Clause
#include "tests/crash/kill_at_stop.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "common/base/fd.h"
#include "tests/crash/scratch.h"

namespace posada::crash {

namespace {

struct Run {
    bool killed = false; // false: the script ended before the stop was reached
    int status = 0;
    std::string heard;
};

bool wait_for(pid_t pid, int& status) { return ::waitpid(pid, &status, 0) == pid; }

Run run_until(const KillTest& test, const std::string& root, unsigned long stop) {
    auto pipe = make_pipe();
    if (!pipe) std::abort();
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
        ::raise(SIGSTOP);
        ::_exit(test.script(root, pipe->second.get()));
    }
    pipe->second.reset();
    Run run;
    wait_for(pid, run.status);
    ::ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (unsigned long n = 0; n < stop;) {
        ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
        if (!wait_for(pid, run.status) || WIFEXITED(run.status) || WIFSIGNALED(run.status)) break;
        if (WSTOPSIG(run.status) == (SIGTRAP | 0x80)) ++n;
    }
    run.killed = WIFSTOPPED(run.status);
    if (run.killed) {
        ::kill(pid, SIGKILL);
        wait_for(pid, run.status);
    }
    constexpr std::size_t most = 64 * 1024;
    auto heard = read_all(pipe->first.get(), most);
    if (heard) run.heard = std::move(*heard);
    return run;
}

} // namespace

int kill_at_each_stop(const KillTest& test, unsigned long step) {
    const Scratch scratch;
    unsigned long kills = 0;
    unsigned long violations = 0;
    for (unsigned long stop = step;; stop += step) {
        const std::string root = scratch.fresh("root");
        const Run run = run_until(test, root, stop);
        const bool good_end = run.killed || (WIFEXITED(run.status) && WEXITSTATUS(run.status) == 0);
        const std::string wrong = good_end ? test.judge(root, run.heard) : "the script failed";
        if (!wrong.empty()) {
            ++violations;
            std::printf("violation at stop %lu: %s\n", stop, wrong.c_str());
        }
        if (!run.killed) break;
        ++kills;
    }
    std::printf("stops=%lu violations=%lu\n", kills, violations);
    return violations == 0 ? 0 : 1;
}

} // namespace posada::crash
