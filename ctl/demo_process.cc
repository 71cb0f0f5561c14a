// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "common/base/fork.h"
#include "ctl/command.h"
#include "ctl/demo.h"

namespace posada::ctl {

namespace {

constexpr int start_patience_ms = 60'000;
constexpr int started_fd = 3;

sigset_t demo_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&set, signal);
    return set;
}

std::string posadad_path() {
    std::error_code ignored;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
    return (self.parent_path().parent_path() / "sbin/posadad").string();
}

// In the child: a session of its own, so that ^C in the terminal comes to us alone and we stop things in order.
[[noreturn]] void become_posadad(const std::string& program, const std::string& config, int log, int started,
                                 pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(exit_system);
    ::setsid();
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (::dup2(null, STDIN_FILENO) < 0 || ::dup2(log, STDOUT_FILENO) < 0 || ::dup2(log, STDERR_FILENO) < 0 ||
        ::dup2(started, started_fd) < 0)
        ::_exit(exit_system);
    const char* const argv[] = {program.c_str(),  "--config", config.c_str(), "--ready-fd", "3",
                                "--stop-timeout", "8",        nullptr};
    ::unsetenv("NOTIFY_SOCKET");
    ::execv(program.c_str(), const_cast<char* const*>(argv));
    ::_exit(exit_system);
}

} // namespace

void hold_signals() {
    const sigset_t set = demo_signals();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

bool asked_to_end() {
    sigset_t pending;
    ::sigpending(&pending);
    return ::sigismember(&pending, SIGINT) == 1 || ::sigismember(&pending, SIGTERM) == 1 ||
           ::sigismember(&pending, SIGHUP) == 1;
}

Result<DemoProcess> DemoProcess::start(const Demo& demo) {
    const std::string program = posadad_path();
    if (::access(program.c_str(), X_OK) != 0) return errno_error("cannot run " + program);
    auto ends = make_pipe();
    if (!ends) return ends.error();
    const UniqueFd log(::open(demo.path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log.valid()) return errno_error("cannot open " + demo.path("log"));
    const std::string config = demo.path("posada.toml");
    // Out of the way of the descriptor that the child will have it on.
    const UniqueFd started(::fcntl(ends->second.get(), F_DUPFD_CLOEXEC, started_fd + 1));
    if (!started.valid()) return errno_error("fcntl");
    ends->second.reset();
    DemoProcess process;
    const pid_t parent = ::getpid();
    process.pid_ = ::fork();
    if (process.pid_ < 0) return errno_error("fork");
    if (process.pid_ == 0) become_posadad(program, config, log.get(), started.get(), parent);
    process.started_ = std::move(ends->first);
    return process;
}

Status DemoProcess::wait_started() {
    sigset_t set = demo_signals();
    ::sigdelset(&set, SIGCHLD);
    const UniqueFd interrupted(::signalfd(-1, &set, SFD_CLOEXEC)); // only polled: wait_for_end() takes the signal
    pollfd wait[] = {{started_.get(), POLLIN, 0}, {interrupted.get(), POLLIN, 0}};
    if (::poll(wait, 2, start_patience_ms) <= 0) return Error{Errc::timeout, 0, "the services did not start in time"};
    if (wait[1].revents != 0) return Error{Errc::closed, 0, "interrupted"};
    char newline = 0;
    if (::read(started_.get(), &newline, 1) != 1) return Error{Errc::closed, 0, "posadad ended"};
    return {};
}

bool DemoProcess::wait_for_end() {
    const sigset_t set = demo_signals();
    for (;;) {
        siginfo_t info{};
        const int signal = ::sigwaitinfo(&set, &info);
        if (signal == SIGCHLD) {
            if (::waitpid(pid_, nullptr, WNOHANG) != pid_) continue;
            pid_ = -1;
            return false;
        }
        if (signal > 0) return true;
    }
}

void DemoProcess::stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    wait_for(pid_);
    pid_ = -1;
}

} // namespace posada::ctl
