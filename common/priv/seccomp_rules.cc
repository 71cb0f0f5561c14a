// SPDX-License-Identifier: BSD-2-Clause
// What is not listed is refused and logged; so a missing call shows in the log by its name and breaks one operation,
// not the service. Lists follow what glibc, libevent (epoll), OpenSSL and SQLite of Debian 12 use, and their
// successors.
#include "common/priv/seccomp_rules.h"

#include "common/base/sanitized.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace posada::priv {

namespace {

constexpr ProfileSet transfer_zygote = in_profile(SandboxProfile::net_transfer_zygote);
constexpr ProfileSet zygote = in_profile(SandboxProfile::net_zygote) | transfer_zygote;
constexpr ProfileSet shared = in_profile(SandboxProfile::net_shared);
constexpr ProfileSet transfer = in_profile(SandboxProfile::net_transfer) | transfer_zygote;
constexpr ProfileSet queue = in_profile(SandboxProfile::queue);
constexpr ProfileSet relay = in_profile(SandboxProfile::relay);
constexpr ProfileSet agent = in_profile(SandboxProfile::agent_files);
constexpr ProfileSet files = queue | agent;
constexpr ProfileSet memfds = shared | queue;
constexpr ProfileSet signer = in_profile(SandboxProfile::signer);
constexpr ProfileSet all = (1U << sandbox_profile_count) - 1;
constexpr ProfileSet everyone = all & static_cast<ProfileSet>(~signer); // who does more than to sign
constexpr ProfileSet nets = zygote | shared | transfer | in_profile(SandboxProfile::net_connection);
constexpr ProfileSet final_ones = everyone & static_cast<ProfileSet>(~zygote);

constexpr std::uint64_t new_kinds_of_task = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_PTRACE |
                                            CLONE_VFORK | CLONE_PARENT | CLONE_THREAD | CLONE_NEWNS | CLONE_SYSVSEM |
                                            CLONE_UNTRACED | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                            CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_IO;
constexpr std::uint64_t largest_pid = (1U << 22) - 1;
constexpr std::uint64_t socket_type_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr std::uint64_t prctl_set_vma = 0x53564d41; // PR_SET_VMA: malloc names its arenas

constexpr ArgRule is(unsigned arg, std::uint64_t value) {
    ArgRule rule;
    rule.op = ArgRule::Op::equal;
    rule.arg = arg;
    rule.value = value;
    return rule;
}

constexpr ArgRule masked(unsigned arg, std::uint64_t mask, std::uint64_t value) {
    ArgRule rule = is(arg, value);
    rule.op = ArgRule::Op::masked_equal;
    rule.mask = mask;
    return rule;
}

constexpr CallRow row(const char* call, ProfileSet profiles, ArgRule first = {}, ArgRule second = {}) {
    CallRow out{call, profiles, {}};
    out.args[0] = first;
    out.args[1] = second;
    return out;
}

constexpr CallRow rows[] = {
    // Data through descriptors one has.
    row("read", everyone),
    row("readv", everyone),
    row("pread64", everyone),
    row("preadv", everyone),
    row("write", everyone),
    row("writev", everyone),
    row("recvfrom", everyone),
    row("recvmsg", all),
    row("sendto", all),
    row("sendmsg", all),
    row("sendfile", everyone),
    row("lseek", everyone),
    row("close", all),
    row("close_range", everyone),
    row("shutdown", everyone),
    row("dup", everyone),
    row("dup2", everyone),
    row("dup3", everyone),
    row("fstat", everyone),
    row("newfstatat", everyone, masked(3, AT_EMPTY_PATH, AT_EMPTY_PATH)), // glibc's fstat()
    row("getsockname", everyone),
    row("getpeername", everyone),
    row("getsockopt", everyone),
    row("setsockopt", everyone, is(1, IPPROTO_TCP), is(2, TCP_NODELAY)),
    row("setsockopt", everyone, is(1, IPPROTO_TCP), is(2, TCP_CORK)),
    row("setsockopt", everyone, is(1, SOL_SOCKET), is(2, SO_KEEPALIVE)),
    row("setsockopt", everyone, is(1, SOL_SOCKET), is(2, SO_LINGER)),
    row("setsockopt", everyone, is(1, SOL_SOCKET), is(2, SO_RCVBUF)),
    row("setsockopt", everyone, is(1, SOL_SOCKET), is(2, SO_SNDBUF)),
    row("setsockopt", everyone, is(1, SOL_SOCKET), is(2, SO_RCVTIMEO)),
    row("setsockopt", everyone, is(1, SOL_SOCKET), is(2, SO_SNDTIMEO)),
    row("fcntl", everyone, is(1, F_DUPFD)),
    row("fcntl", everyone, is(1, F_DUPFD_CLOEXEC)),
    row("fcntl", everyone, is(1, F_GETFD)),
    row("fcntl", everyone, is(1, F_SETFD)),
    row("fcntl", everyone, is(1, F_GETFL)),
    row("fcntl", everyone, is(1, F_SETFL)),
    row("fcntl", everyone, is(1, F_GET_SEALS)),
    row("ioctl", everyone, is(1, FIONREAD)),
    row("ioctl", everyone, is(1, FIONBIO)),
    row("ioctl", everyone, is(1, TIOCOUTQ)), // what a slow peer has not confirmed yet (io/stream)
    row("ioctl", everyone, is(1, TCGETS)),   // isatty() of stdio
    // The event loop and the clock.
    row("epoll_create1", everyone),
    row("epoll_ctl", everyone),
    row("epoll_wait", everyone),
    row("epoll_pwait", everyone),
    row("epoll_pwait2", everyone),
    row("poll", everyone),
    row("ppoll", everyone),
    row("select", everyone),
    row("pselect6", everyone),
    row("eventfd2", everyone),
    row("pipe2", everyone),
    row("timerfd_create", everyone),
    row("timerfd_settime", everyone),
    row("timerfd_gettime", everyone),
    row("clock_gettime", everyone),
    row("clock_getres", everyone),
    row("clock_nanosleep", everyone),
    row("nanosleep", everyone),
    row("gettimeofday", everyone),
    row("time", everyone),
    // Memory, never executable.
    row("brk", all),
    row("mmap", all, masked(2, PROT_EXEC, 0)),
    row("mprotect", all, masked(2, PROT_EXEC, 0)),
    row("mremap", all),
    row("munmap", all),
    row("madvise", all),
    row("prctl", everyone, is(0, prctl_set_vma)),
    row("getrandom", all),
    // The process itself.
    row("futex", all),
    row("sched_yield", everyone),
    row("sched_getaffinity", everyone),
    row("getcpu", everyone),
    row("set_robust_list", everyone),
    row("rseq", everyone),
    row("restart_syscall", all),
    row("exit", all),
    row("exit_group", all),
    row("rt_sigaction", everyone),
    row("rt_sigprocmask", all),
    row("rt_sigreturn", all),
    row("sigaltstack", everyone),
#ifdef POSADA_SANITIZED
    row("sigaltstack", signer), // of the sanitizer, at the end of a process
#endif
    row("tgkill", final_ones | signer, is(0, own_pid_placeholder)), // abort()
    row("tkill", final_ones, is(0, own_pid_placeholder)),
    row("kill", final_ones, is(0, own_pid_placeholder)),
    row("kill", agent, is(1, 0)), // does the holder of a lock still live?
    row("getpid", all),
    row("gettid", all),
    row("getppid", everyone),
    row("getuid", everyone),
    row("geteuid", everyone),
    row("getgid", everyone),
    row("getegid", everyone),
    row("getresuid", everyone),
    row("getresgid", everyone),
    row("getrusage", everyone),
    row("times", everyone),
    row("uname", everyone),
    row("sysinfo", everyone),
    row("getrlimit", everyone),
    row("prlimit64", final_ones, is(0, 0), is(2, 0)), // read one's own
    row("prctl", everyone, is(0, PR_SET_NAME)),
    row("prctl", everyone, is(0, PR_GET_NAME)),
    row("prctl", everyone, is(0, PR_GET_DUMPABLE)),
    // The way by which a signature comes back.
    row("socketpair", nets, is(0, AF_UNIX), masked(1, ~socket_type_flags, SOCK_SEQPACKET)),
    // The zygote makes connection processes, which then confine themselves further.
    row("clone", zygote, masked(0, new_kinds_of_task, 0)),
    row("fork", zygote),
    row("wait4", zygote),
    row("waitid", zygote),
    row("kill", zygote, masked(0, ~largest_pid, 0), is(1, SIGKILL)),
    row("tgkill", zygote, is(2, SIGABRT)), // abort() of children, whose pids this filter cannot know
    row("prlimit64", zygote, is(0, 0)),
    row("setrlimit", zygote),
    row("prctl", zygote, is(0, PR_SET_NO_NEW_PRIVS)),
    row("prctl", zygote, is(0, PR_SET_DUMPABLE)),
    row("seccomp", zygote, is(0, SECCOMP_SET_MODE_FILTER)),
    row("landlock_restrict_self", zygote),
    // Messages leave as sealed memfds.
    row("memfd_create", memfds),
    row("ftruncate", memfds | files),
    row("fcntl", memfds, is(1, F_ADD_SEALS)),
    row("pwrite64", memfds | files),
    // Files, where Landlock permits.
    row("open", files),
    row("openat", files),
    row("openat2", files),
    row("creat", files),
    row("stat", files),
    row("lstat", files),
    row("newfstatat", files),
    row("statx", files),
    row("statfs", files),
    row("fstatfs", files),
    row("access", files),
    row("faccessat", files),
    row("faccessat2", files),
    row("getdents64", files),
    row("readlink", files),
    row("readlinkat", files),
    row("getcwd", files),
    row("rename", files),
    row("renameat", files),
    row("renameat2", files),
    row("link", files),
    row("linkat", files),
    row("unlink", files),
    row("unlinkat", files),
    row("mkdir", files),
    row("mkdirat", files),
    row("rmdir", files),
    row("pwritev", files),
    row("pwritev2", files),
    row("preadv2", files),
    row("fallocate", files),
    row("copy_file_range", files),
    row("fadvise64", files),
    row("fsync", files),
    row("fdatasync", files),
    row("syncfs", files),
    row("sync_file_range", files),
    row("fchmod", files),
    row("utimensat", files),
    row("umask", files),
    row("flock", files),
    row("fcntl", files, is(1, F_GETLK)),
    row("fcntl", files, is(1, F_SETLK)),
    row("fcntl", files, is(1, F_SETLKW)),
    row("fcntl", files, is(1, F_OFD_GETLK)),
    row("fcntl", files, is(1, F_OFD_SETLK)),
    row("fcntl", files, is(1, F_OFD_SETLKW)),
    // Files and data connections of a transfer; the sockets are the monitor's.
    row("pwrite64", transfer),
    row("ftruncate", transfer),
    row("fadvise64", transfer),
    row("splice", transfer),
    row("listen", transfer), // on what the monitor bound
    row("accept4", transfer),
    row("setsockopt", transfer, is(1, SOL_SOCKET), is(2, SO_OOBINLINE)), // ABOR's Telnet Synch
    // queue.sock, bound by the launcher.
    row("accept4", queue),
    row("accept", queue),
    // The relay is the one network client.
    row("socket", relay, is(0, AF_INET), masked(1, ~socket_type_flags, SOCK_STREAM)),
    row("socket", relay, is(0, AF_INET6), masked(1, ~socket_type_flags, SOCK_STREAM)),
    row("connect", relay),
};

constexpr const char* fatal[] = {
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kexec_load",
    "kexec_file_load",
    "bpf",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsmount",
    "fsconfig",
    "fspick",
    "mount_setattr",
    "setns",
    "unshare",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "init_module",
    "finit_module",
    "delete_module",
    "userfaultfd",
    "perf_event_open",
    "open_by_handle_at",
    "process_madvise",
    "modify_ldt",
    "iopl",
    "ioperm",
    "keyctl",
    "add_key",
    "request_key",
    "reboot",
    "swapon",
    "swapoff",
};

} // namespace

std::span<const CallRow> allowed_calls() { return rows; }

std::span<const char* const> fatal_calls() { return fatal; }

} // namespace posada::priv
