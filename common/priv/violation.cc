// SPDX-License-Identifier: BSD-2-Clause
// What happens when the filter refuses a system call: SIGSYS arrives in place of the call. Everything here but
// install_violation_handler() runs in signal context: no allocation, no log(), names prepared beforehand.
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdlib>

#include "common/base/events.h"
#include "common/priv/sandbox.h"

namespace posada::priv {

namespace {

constexpr int known_numbers = 512;
constexpr std::size_t name_size = 32;
// A loop of refused calls must not drown the log; the first ones tell the story.
constexpr int most_records = 32;

struct Violations {
    char names[known_numbers][name_size];
    bool names_ready;
    char profile[name_size];
    int log_fd;
    int records;
};
Violations violations; // for the signal handler

class Line {
  public:
    Line& text(const char* words) noexcept {
        while (*words != '\0' && size_ < sizeof bytes_ - 1) bytes_[size_++] = *words++;
        return *this;
    }
    Line& number(unsigned value) noexcept {
        char digits[12];
        char* p = digits + sizeof digits;
        *--p = '\0';
        do *--p = static_cast<char>('0' + value % 10);
        while ((value /= 10) != 0);
        return text(p);
    }
    void send(int fd) noexcept {
        if (::send(fd, bytes_, size_, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != ENOTSOCK) return;
        bytes_[size_++] = '\n';
        if (::write(fd, bytes_, size_) < 0) return;
    }

  private:
    char bytes_[160];
    std::size_t size_ = 0;
};

void record(int number) noexcept {
    if (violations.records++ >= most_records || violations.log_fd < 0) return;
    Line line;
    line.text(event::sandbox_violation.id.data()).text(" call=");
    const bool known = number >= 0 && number < known_numbers && violations.names[number][0] != '\0';
    if (known) line.text(violations.names[number]);
    if (!known) line.number(static_cast<unsigned>(number));
    line.text(" profile=").text(violations.profile).send(violations.log_fd);
}

// Callers know these errors from daily life and have an answer to them; ENOSYS makes them try an older call.
int refusal(int number) noexcept {
    switch (number) {
#ifdef SYS_open
    case SYS_open:
#endif
    case SYS_openat:
    case SYS_newfstatat:
    case SYS_mmap:
    case SYS_mprotect: return EACCES;
    case SYS_socket:
    case SYS_socketpair:
    case SYS_connect:
    case SYS_bind:
    case SYS_listen:
    case SYS_accept:
    case SYS_accept4:
    case SYS_setsockopt:
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_prlimit64:
    case SYS_clone: return EPERM;
    default: return ENOSYS;
    }
}

void set_return_value(ucontext_t* context, int negative_errno) noexcept {
#if defined(__x86_64__)
    context->uc_mcontext.gregs[REG_RAX] = negative_errno;
#elif defined(__aarch64__)
    context->uc_mcontext.regs[0] = static_cast<unsigned long long>(static_cast<long long>(negative_errno));
#else
#error "where does a system call return its value on this architecture?"
#endif
}

extern "C" void posada_on_sigsys(int, siginfo_t* info, void* context) {
    const int saved = errno;
    record(info->si_syscall);
    set_return_value(static_cast<ucontext_t*>(context), -refusal(info->si_syscall));
    errno = saved;
}

} // namespace

void prepare_violation_names() {
    if (violations.names_ready) return;
    for (int number = 0; number < known_numbers; ++number) {
        char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
        if (name != nullptr) ::strncpy(violations.names[number], name, name_size - 1);
        std::free(name);
    }
    violations.names_ready = true;
}

Status install_violation_handler(int log_fd, SandboxProfile profile) {
    prepare_violation_names();
    const std::string_view name = sandbox_profile_name(profile);
    violations.profile[name.copy(violations.profile, name_size - 1)] = '\0';
    violations.log_fd = log_fd;
    violations.records = 0;
    struct sigaction action {};
    action.sa_sigaction = posada_on_sigsys;
    action.sa_flags = SA_SIGINFO;
    if (::sigaction(SIGSYS, &action, nullptr) != 0) return errno_error("SIGSYS handler");
    sigset_t sigsys; // a blocked SIGSYS would kill instead
    ::sigemptyset(&sigsys);
    ::sigaddset(&sigsys, SIGSYS);
    if (::sigprocmask(SIG_UNBLOCK, &sigsys, nullptr) != 0) return errno_error("SIGSYS mask");
    return {};
}

} // namespace posada::priv
