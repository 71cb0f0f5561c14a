// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/fork.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

namespace posada {

namespace {

constexpr int last_signal = 31; // the real-time signals behind it have no handler here, and a login waits for each call

void default_handlers() {
    for (int number = 1; number <= last_signal; ++number)
        if (number != SIGPIPE) ::signal(number, SIG_DFL); // KILL, STOP and libc's own refuse; that is well
}

} // namespace

Result<pid_t> fork_process(const std::function<int()>& body) {
    // Blocked meanwhile: the parent's handlers must not run in the child, they would write into the parent's pipes.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::fork();
    if (pid == 0) {
        default_handlers();
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::_exit(body());
    }
    const int saved = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0 && saved == EAGAIN) return Error{Errc::limit, saved, "fork"};
    if (pid < 0)
        return errno_error("cannot start a process (its limits: ulimit -u, TasksMax= of the unit, memory)", saved);
    return pid;
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

std::string describe_wait_status(int wait_status) {
    if (WIFEXITED(wait_status)) return "exit " + std::to_string(WEXITSTATUS(wait_status));
    if (!WIFSIGNALED(wait_status)) return "status " + std::to_string(wait_status);
    const char* name = ::sigabbrev_np(WTERMSIG(wait_status));
    return "signal " + std::to_string(WTERMSIG(wait_status)) + " (" + (name == nullptr ? "?" : name) + ")";
}

} // namespace posada
