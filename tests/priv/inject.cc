// SPDX-License-Identifier: BSD-2-Clause
// Makes another process call the kernel: what a parser's bug would give to whoever exploits it. For tests, as root.
//     inject PID CALL [ARGUMENT ...]      an argument is a number, or @text for a pointer to text
// Prints "result N" (negative: -errno), "trapped" (the filter refused) or "killed N" (the filter's verdict, signal N).
// Except in the last case the process goes on as if nothing had been.
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int usage = 64;
constexpr int failed = 71;
constexpr unsigned long below_stack = 8192; // nothing of the process is there
constexpr unsigned long syscall_length = 2;

[[noreturn]] void die(const char* what) {
    std::fprintf(stderr, "inject: %s: %s\n", what, std::strerror(errno));
    std::exit(failed);
}

int wait_stopped(pid_t pid) {
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid) die("waitpid");
    return status;
}

#if defined(__x86_64__)

void poke(pid_t pid, unsigned long address, const std::string& text) {
    for (std::size_t at = 0; at <= text.size(); at += sizeof(long)) {
        long word = 0;
        std::memcpy(&word, text.c_str() + at, std::min(sizeof word, text.size() + 1 - at));
        if (::ptrace(PTRACE_POKEDATA, pid, address + at, word) != 0) die("poke");
    }
}

// Numbers as they are; texts are written into the process, one below the other.
unsigned long argument(pid_t pid, const char* word, unsigned long& room) {
    if (word[0] != '@') return static_cast<unsigned long>(std::strtol(word, nullptr, 0));
    const std::string text(word + 1);
    room -= (text.size() + 2 * sizeof(long)) & ~(sizeof(long) - 1);
    poke(pid, room, text);
    return room;
}

user_regs_struct prepared(pid_t pid, user_regs_struct regs, int number, char** words, int count) {
    unsigned long long* const slots[] = {&regs.rdi, &regs.rsi, &regs.rdx, &regs.r10, &regs.r8, &regs.r9};
    unsigned long room = regs.rsp - below_stack;
    for (int i = 0; i < 6; ++i) *slots[i] = i < count ? argument(pid, words[i], room) : 0;
    regs.rax = static_cast<unsigned long long>(number);
    regs.orig_rax = ~0ULL;      // the interrupted call is not restarted meanwhile
    regs.rip -= syscall_length; // it waits in a system call: the instruction is right before
    return regs;
}

bool at_system_call(pid_t pid, const user_regs_struct& regs) {
    errno = 0;
    const long code = ::ptrace(PTRACE_PEEKTEXT, pid, regs.rip - syscall_length, nullptr);
    return errno == 0 && (code & 0xffff) == 0x050f;
}

// A signal of the step or of the filter that still waits to be delivered; 0 = none.
int pending_signal(pid_t pid) {
    __ptrace_peeksiginfo_args from{0, 0, 8};
    siginfo_t infos[8];
    const long count = ::ptrace(PTRACE_PEEKSIGINFO, pid, &from, infos);
    for (long i = 0; i < count; ++i)
        if (infos[i].si_signo == SIGTRAP || infos[i].si_signo == SIGSYS) return infos[i].si_signo;
    return 0;
}

// A refused call brings SIGSYS beside the step's SIGTRAP; the process must see neither. True if SIGSYS was among them.
bool swallow_signals(pid_t pid, int status) {
    bool refused = WSTOPSIG(status) == SIGSYS;
    while (pending_signal(pid) != 0) {
        if (::ptrace(PTRACE_CONT, pid, nullptr, nullptr) != 0) die("continue");
        status = wait_stopped(pid);
        if (!WIFSTOPPED(status)) die("the process ended");
        refused = refused || WSTOPSIG(status) == SIGSYS;
    }
    return refused;
}

int inject(pid_t pid, int number, char** words, int count) {
    if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) die("seize");
    if (::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) die("interrupt");
    wait_stopped(pid);
    user_regs_struct before{};
    if (::ptrace(PTRACE_GETREGS, pid, nullptr, &before) != 0) die("registers");
    if (!at_system_call(pid, before)) {
        std::fprintf(stderr, "inject: the process does not wait in a system call\n");
        return failed;
    }
    user_regs_struct regs = prepared(pid, before, number, words, count);
    if (::ptrace(PTRACE_SETREGS, pid, nullptr, &regs) != 0) die("registers");
    if (::ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr) != 0) die("step");
    const int status = wait_stopped(pid);
    if (!WIFSTOPPED(status)) return std::printf("killed %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0), 0;
    if (::ptrace(PTRACE_GETREGS, pid, nullptr, &regs) != 0) die("registers");
    if (::ptrace(PTRACE_SETREGS, pid, nullptr, &before) != 0) die("registers");
    if (swallow_signals(pid, status)) {
        std::puts("trapped");
    } else {
        std::printf("result %lld\n", static_cast<long long>(regs.rax));
    }
    return ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr) == 0 ? 0 : failed;
}

#else
int inject(pid_t, int, char**, int) {
    std::fprintf(stderr, "inject: written for x86-64 only\n");
    return failed;
}
#endif

} // namespace

int main(int argc, char** argv) {
    if (argc < 3 || argc > 9) return usage;
    const int number = seccomp_syscall_resolve_name(argv[2]);
    if (number < 0) return usage;
    return inject(static_cast<pid_t>(std::atoi(argv[1])), number, argv + 3, argc - 3);
}
