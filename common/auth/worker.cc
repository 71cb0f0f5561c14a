// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/worker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/text.h"

namespace posada::auth {

namespace {

void default_signals() noexcept {
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL); // KILL and STOP refuse: no matter
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Whole seconds, rounded up: only the safety net under the owner's own deadline.
unsigned alarm_seconds(Millis lifetime) noexcept { return static_cast<unsigned>(lifetime.count() / 1000 + 1); }

void become_worker(pid_t parent, int result, int log_fd, Millis lifetime) noexcept {
    ::setpgid(0, 0);
    default_signals();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(71);
    ::prctl(PR_SET_DUMPABLE, 0);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    const int keep[] = {result, log_fd};
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

[[noreturn]] void run_job(const WorkerPool::Job& job, int result) noexcept {
    const std::string bytes = job();
    const bool sent = write_all(result, bytes).ok();
    ::_exit(sent ? 0 : 71); // no destructor of the parent's objects, no atexit handler
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

Worker::~Worker() {
    kill_tree(pid_);
    pool_.finished(pid_);
}

Result<std::unique_ptr<Worker>> WorkerPool::start(const Job& job) {
    reap();
    if (running() >= most_) return Error{Errc::limit, 0, std::to_string(most_) + " login workers are busy"};
    auto pipe = make_pipe();
    if (!pipe) return Error{Errc::unavailable, pipe.error().sys, "no pipe for a login worker"};
    RETURN_IF_ERROR(set_nonblocking(pipe->first.get(), true));
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return Error{Errc::unavailable, errno, "no process for a login worker"};
    if (pid == 0) {
        become_worker(parent, pipe->second.get(), log_fd_, lifetime_);
        run_job(job, pipe->second.get());
    }
    ::setpgid(pid, pid); // both sides do it: neither must win a race
    ++running_;
    return std::unique_ptr<Worker>(new Worker(*this, pid, std::move(pipe->first)));
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
