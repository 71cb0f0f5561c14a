// SPDX-License-Identifier: BSD-2-Clause
// A kill at every system call of deliveries and POP3 sessions on one mailbox (ptrace): the first stop, the second, and
// so on to the last; each time the mailbox is judged by what client and queue had heard. Last line: "stops=N
// violations=N".
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "common/base/log.h"
#include "common/base/text.h"
#include "tests/crash/pop_host.h"

using namespace posada;
using namespace posada::crash;

namespace {

class Silence final : public LogSink {
  public:
    void write(const LogEvent&, std::string_view) noexcept override {}
};

// The traced child; what it tells goes into the pipe.
int script(const std::string& root, int pipe) {
    PopHost host(root, [pipe](const std::string& mark) {
        if (!write_all(pipe, mark + "\n")) ::_exit(3);
    });
    return short_pop_script(host) ? 0 : 1;
}

struct Run {
    bool killed = false; // false: the script ended before the stop was reached
    int status = 0;
    History history;
};

bool wait_for(pid_t pid, int& status) { return ::waitpid(pid, &status, 0) == pid; }

Run run_until(const std::string& root, unsigned long stop) {
    auto pipe = make_pipe();
    if (!pipe) std::abort();
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
        ::raise(SIGSTOP);
        ::_exit(script(root, pipe->second.get()));
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
    const auto said = read_all(pipe->first.get(), 64 * 1024);
    for (const std::string_view mark : split(said ? std::string_view(*said) : std::string_view(), '\n'))
        if (!mark.empty()) run.history.note(std::string(mark));
    return run;
}

} // namespace

int main(int argc, char** argv) {
    const unsigned long step = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1; // every step-th stop only
    Silence silence;
    set_log_sink(&silence);
    ::umask(077);
    char work[] = "/dev/shm/posada-popsteps-XXXXXX";
    if (::mkdtemp(work) == nullptr) return 71;
    const std::string root = std::string(work) + "/root";
    unsigned long stop = 0;
    unsigned long tried = 0;
    unsigned long violations = 0;
    for (bool more = true; more;) {
        stop += step;
        ++tried;
        std::filesystem::remove_all(root);
        std::filesystem::create_directory(root);
        const Run run = run_until(root, stop);
        more = run.killed;
        std::string why;
        if (!more && (!WIFEXITED(run.status) || WEXITSTATUS(run.status) != 0)) why = "the script failed";
        if (why.empty()) why = run.history.judge(root);
        if (why.empty()) continue;
        ++violations;
        std::printf("violation at stop %lu: %s\n", stop, why.c_str());
    }
    std::filesystem::remove_all(work);
    std::printf("stops=%lu violations=%lu\n", tried, violations);
    return violations == 0 ? 0 : 1;
}
