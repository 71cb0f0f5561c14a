// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/worker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/base/exit_code.h"
#include "common/base/fork.h"
#include "common/base/text.h"

namespace posada::auth {

namespace {

// Whole seconds, rounded up: only the safety net under the owner's own deadline.
unsigned alarm_seconds(Millis lifetime) noexcept { return static_cast<unsigned>(lifetime.count() / 1000 + 1); }

void become_worker(pid_t parent, std::span<const int> keep, Millis lifetime) {
    ::setpgid(0, 0);
    ::signal(SIGPIPE, SIG_DFL); // for the programs that PAM modules start
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(exit_system);
    ::prctl(PR_SET_DUMPABLE, 0);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    close_all_except(keep);
    ::alarm(alarm_seconds(lifetime));
}

// Children of a stopped process; empty where the kernel does not list them (CONFIG_PROC_CHILDREN).
std::vector<pid_t> children_of(pid_t pid) {
    const std::string name = std::to_string(pid);
    const auto text = read_file("/proc/" + name + "/task/" + name + "/children", 64 * 1024);
    std::vector<pid_t> out;
    if (!text) return out;
    for (const std::string_view word : split(*text, ' '))
        if (const auto child = parse_uint(word)) out.push_back(static_cast<pid_t>(*child));
    return out;
}

// pam_exec gives its program a session of its own, so the group alone does not reach it. Stopped first: nobody forks
// between our look and our kill.
void kill_tree(pid_t root) {
    std::vector<pid_t> tree{root};
    for (std::size_t i = 0; i < tree.size() && tree.size() < 1000; ++i) {
        ::kill(tree[i], SIGSTOP);
        const auto children = children_of(tree[i]);
        tree.insert(tree.end(), children.begin(), children.end());
    }
    ::kill(-root, SIGKILL);
    for (const pid_t pid : tree) ::kill(pid, SIGKILL);
}

int run_job(const WorkerPool::Job& job, UniqueFd result) noexcept {
    const JobDone done = job();
    if (!write_all(result.get(), done.result)) return exit_system;
    if (!done.then) return 0;
    result.reset(); // its end tells the owner that this was all
    ::alarm(0);
    ::prctl(PR_SET_PDEATHSIG, 0);
    ::signal(SIGPIPE, SIG_IGN);
    return done.then();
}

} // namespace

std::optional<Result<std::string>> Worker::read() {
    const Error died{Errc::unavailable, 0, "the login worker died"};
    char chunk[4096];
    for (;;) {
        const ssize_t n = ::read(result_.get(), chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
        if (n < 0) return errno_error("login worker");
        if (n == 0) break;
        bytes_.append(chunk, static_cast<std::size_t>(n));
        if (bytes_.size() > max_worker_result) return died;
    }
    if (bytes_.empty()) return died;
    return std::move(bytes_);
}

pid_t Worker::release() {
    ::setpgid(pid_, ::getpgrp()); // who ends a service ends its process group
    pool_.released();
    return std::exchange(pid_, -1);
}

Worker::~Worker() {
    if (pid_ < 0) return;
    kill_tree(pid_);
    pool_.finished(pid_);
}

Result<std::unique_ptr<Worker>> WorkerPool::start(const Job& job, std::span<const int> keep) {
    reap();
    if (running() >= most_) return Error{Errc::limit, 0, std::to_string(most_) + " login workers are busy"};
    auto pipe = make_pipe();
    if (!pipe) return Error{Errc::unavailable, pipe.error().sys, "no pipe for a login worker"};
    RETURN_IF_ERROR(set_nonblocking(pipe->first.get(), true));
    std::vector<int> open(keep.begin(), keep.end());
    open.insert(open.end(), {pipe->second.get(), log_fd_});
    const pid_t parent = ::getpid();
    const auto pid = fork_process([&] {
        become_worker(parent, open, lifetime_);
        return run_job(job, std::move(pipe->second));
    });
    if (!pid) return Error{Errc::unavailable, pid.error().sys, "no process for a login worker"};
    ::setpgid(*pid, *pid); // both sides do it: neither must win a race
    ++running_;
    return std::unique_ptr<Worker>(new Worker(*this, *pid, std::move(pipe->first)));
}

void WorkerPool::finished(pid_t pid) {
    --running_;
    dying_.push_back(pid);
    reap();
}

// A process in an uninterruptible system call outlives SIGKILL; waiting for it here would stop every other login.
void WorkerPool::reap() {
    const auto gone = [](pid_t pid) {
        const pid_t reaped = ::waitpid(pid, nullptr, WNOHANG);
        return reaped == pid || (reaped < 0 && errno != EINTR);
    };
    dying_.erase(std::remove_if(dying_.begin(), dying_.end(), gone), dying_.end());
}

WorkerPool::~WorkerPool() { reap(); }

unsigned WorkerPool::default_size() {
    const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
    return 4 * static_cast<unsigned>(std::max(1L, cores));
}

} // namespace posada::auth
