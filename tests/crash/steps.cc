// SPDX-License-Identifier: BSD-2-Clause
// A kill at every system call: runs one scripted delivery (a small message to two users, a large one) under ptrace,
// kills it at the first stop, the second, and so on to the last; recovers each time and counts. A stop is the entry
// into or the return from a system call. Last line: "stops=N violations=N".
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "common/base/log.h"
#include "tests/crash/mail_host.h"

using namespace posada;
using namespace posada::crash;

namespace {

constexpr std::size_t small_size = 2'000;
constexpr std::size_t large_size = 300 * 1024;
const std::string sender = "lir@micasa.test";

class Silence final : public LogSink {
  public:
    void write(const LogEvent&, std::string_view) noexcept override {}
};

// The traced child. Each step that the world would have heard of goes into the pipe.
int script(const std::string& root, int pipe) {
    auto host = MailHost::open(root);
    if (!host) return 1;
    (*host)->submit(1, {"daniel", "lir"}, small_size, sender);
    (*host)->submit(2, {"daniel"}, large_size, sender);
    if (!(*host)->flush() || !write_all(pipe, "a")) return 1;
    return (*host)->deliver_all() ? 0 : 1;
}

struct Run {
    bool killed = false; // false: the script ended before the stop was reached
    bool acknowledged = false;
    int status = 0;
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
    auto said = read_all(pipe->first.get(), 16);
    run.acknowledged = said && !said->empty();
    return run;
}

// The number of whole copies; -1: something half-written lies there.
int copies(const std::string& root, const std::string& user, unsigned token, std::size_t size) {
    const std::string expected = MailHost::stored_form(token, size, sender);
    const std::string header = "X-Token: " + std::to_string(token) + "\n";
    int count = 0;
    const std::string fresh = root + "/" + user + "/new";
    if (!std::filesystem::exists(fresh)) return 0;
    for (const auto& entry : std::filesystem::directory_iterator(fresh)) {
        const auto text = read_file(entry.path(), 1 << 20);
        if (!text || text->find("X-Token: ") == std::string::npos) return -1;
        if (text->find(header) == std::string::npos) continue;
        if (*text != expected) return -1;
        ++count;
    }
    return count;
}

bool good(const std::string& root, bool acknowledged, std::string& why) {
    const struct {
        const char* user;
        unsigned token;
        std::size_t size;
    } wanted[] = {{"daniel", 1, small_size}, {"lir", 1, small_size}, {"daniel", 2, large_size}};
    for (const auto& w : wanted) {
        const int n = copies(root, w.user, w.token, w.size);
        if (n == 1 || (n == 0 && !acknowledged)) continue;
        why = std::string(w.user) + " has " + std::to_string(n) + " copies of " + std::to_string(w.token);
        return false;
    }
    return true;
}

bool recover(const std::string& root, std::string& why) {
    auto host = MailHost::open(root);
    Status status = host ? (*host)->deliver_all() : Status(host.error());
    if (status) status = (*host)->retry_deferred();
    if (!status) why = status.error().describe();
    return status.ok();
}

} // namespace

int main() {
    Silence silence;
    set_log_sink(&silence);
    ::umask(077);
    char work[] = "/dev/shm/posada-steps-XXXXXX";
    if (::mkdtemp(work) == nullptr) return 71;
    const std::string root = std::string(work) + "/root";
    unsigned long stop = 0;
    unsigned long violations = 0;
    for (bool more = true; more;) {
        ++stop;
        std::filesystem::remove_all(root);
        std::filesystem::create_directory(root);
        const Run run = run_until(root, stop);
        more = run.killed;
        std::string why;
        if (!more && (!WIFEXITED(run.status) || WEXITSTATUS(run.status) != 0)) why = "the script failed";
        if (why.empty() && recover(root, why)) good(root, run.acknowledged, why);
        if (why.empty()) continue;
        ++violations;
        std::printf("violation at stop %lu: %s\n", stop, why.c_str());
    }
    std::filesystem::remove_all(work);
    std::printf("stops=%lu violations=%lu\n", stop - 1, violations);
    return violations == 0 ? 0 : 1;
}
