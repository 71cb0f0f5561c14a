// SPDX-License-Identifier: BSD-2-Clause
#include "supervisor/spawn.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/base/exit_code.h"
#include "common/base/fd.h"

namespace posada::supervisor {

namespace {

constexpr int first_listen_fd = 3;

void default_signals() {
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Descriptors may already sit where others must go: first all out of the way, then each to its place.
bool place_sockets(const std::vector<int>& sockets) {
    const int count = static_cast<int>(sockets.size());
    std::vector<int> aside;
    for (const int fd : sockets) {
        const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, first_listen_fd + count);
        if (copy < 0) return false;
        aside.push_back(copy);
    }
    for (int i = 0; i < count; ++i)
        if (::dup2(aside[static_cast<std::size_t>(i)], first_listen_fd + i) < 0) return false;
    return true;
}

void set_environment(const SpawnPlan& plan) {
    ::setenv("NOTIFY_SOCKET", plan.notify_socket.c_str(), 1);
    ::unsetenv("LISTEN_FDS");
    ::unsetenv("LISTEN_PID");
    ::unsetenv("LISTEN_FDNAMES");
    if (plan.sockets.empty()) return;
    std::string names;
    for (const std::string& name : plan.names) names.append(names.empty() ? "" : ":").append(name);
    ::setenv("LISTEN_FDS", std::to_string(plan.sockets.size()).c_str(), 1);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
}

[[noreturn]] void fail(const char* what, const std::string& program) {
    std::fprintf(stderr, "posadad: %s %s: %s\n", what, program.c_str(), std::strerror(errno));
    ::_exit(exit_system);
}

[[noreturn]] void become(const SpawnPlan& plan, pid_t parent) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(exit_system); // it died before we asked to hear of it
    default_signals();
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) fail("no standard input for", plan.program);
    if (!place_sockets(plan.sockets)) fail("cannot pass sockets to", plan.program);
    set_environment(plan);
    std::vector<char*> argv{const_cast<char*>(plan.program.c_str())};
    for (const std::string& argument : plan.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(plan.program.c_str(), argv.data());
    fail("cannot run", plan.program);
}

} // namespace

Result<pid_t> spawn(const SpawnPlan& plan) {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return errno_error("cannot start a process (its limits: ulimit -u, TasksMax= of the unit, memory)");
    if (pid == 0) become(plan, parent);
    ::setpgid(pid, pid); // both sides do it: whoever comes first
    return pid;
}

void sweep_group(pid_t leader) noexcept {
    if (leader > 1) ::kill(-leader, SIGKILL);
}

std::string describe_exit(int wait_status) {
    if (WIFEXITED(wait_status)) return "exit " + std::to_string(WEXITSTATUS(wait_status));
    const int signal = WTERMSIG(wait_status);
    return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

} // namespace posada::supervisor
