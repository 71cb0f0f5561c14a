// SPDX-License-Identifier: BSD-2-Clause
// Every profile, raised in a child, must refuse what it should (and name it) and let its process do its work.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>

#include "common/base/fork.h"
#include "common/base/text.h"
#include "tests/unit/common/priv/confined.h"

namespace posada::priv::testing {
namespace {

constexpr SandboxProfile all_profiles[] = {
    SandboxProfile::net_zygote,   SandboxProfile::net_connection, SandboxProfile::net_transfer_zygote,
    SandboxProfile::net_transfer, SandboxProfile::net_shared,     SandboxProfile::queue,
    SandboxProfile::relay,        SandboxProfile::agent_files,    SandboxProfile::signer};
// Those with an event loop, or what else a program of some size needs.
constexpr auto ordinary_profiles = std::span(all_profiles).first<std::size(all_profiles) - 1>();
constexpr SandboxProfile final_profiles[] = {SandboxProfile::net_connection, SandboxProfile::net_transfer,
                                             SandboxProfile::net_shared,     SandboxProfile::queue,
                                             SandboxProfile::relay,          SandboxProfile::agent_files};
constexpr SandboxProfile net_profiles[] = {SandboxProfile::net_zygote, SandboxProfile::net_connection,
                                           SandboxProfile::net_transfer, SandboxProfile::net_shared};
constexpr SandboxProfile without_files[] = {
    SandboxProfile::net_zygote,   SandboxProfile::net_connection, SandboxProfile::net_transfer_zygote,
    SandboxProfile::net_transfer, SandboxProfile::net_shared,     SandboxProfile::relay,
    SandboxProfile::signer};

// 0 = refused with this errno.
int refused_with(long result, int expected) { return result == -1 && errno == expected ? 0 : 1; }

void expect_refused(SandboxProfile profile, const char* call, const std::function<int()>& attempt) {
    const Outcome outcome = confined(profile, attempt);
    EXPECT_TRUE(outcome.exited(0)) << sandbox_profile_name(profile) << " " << call << ": "
                                   << describe_wait_status(outcome.status);
    const std::string record =
        std::string("sandbox-violation call=") + call + " profile=" + std::string(sandbox_profile_name(profile));
    EXPECT_TRUE(outcome.logged(record)) << "no record " << record;
}

void expect_killed(SandboxProfile profile, const char* call, const std::function<int()>& attempt) {
    const Outcome outcome = confined(profile, attempt);
    EXPECT_TRUE(outcome.killed_by(SIGSYS))
        << sandbox_profile_name(profile) << " " << call << ": " << describe_wait_status(outcome.status);
}

void expect_works(SandboxProfile profile, const char* what, const std::function<int()>& work) {
    const Outcome outcome = confined(profile, work);
    EXPECT_TRUE(outcome.exited(0)) << sandbox_profile_name(profile) << " " << what << ": "
                                   << describe_wait_status(outcome.status)
                                   << (outcome.records.empty() ? "" : " " + outcome.records.front());
    EXPECT_TRUE(outcome.records.empty()) << sandbox_profile_name(profile) << " " << what;
}

TEST(Sandbox, NeverLegitimateCallsKillInEveryProfile) {
    for (const SandboxProfile profile : all_profiles) {
        expect_killed(profile, "execve", [] { return ::execl("/bin/true", "true", nullptr); });
        expect_killed(profile, "ptrace",
                      [] { return static_cast<int>(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); });
        expect_killed(profile, "process_vm_readv", [] {
            char byte = 0;
            iovec local{&byte, 1};
            return static_cast<int>(::process_vm_readv(::getppid(), &local, 1, &local, 1, 0));
        });
        expect_killed(profile, "unshare", [] { return ::unshare(CLONE_NEWUSER); });
    }
}

TEST(Sandbox, KernelSurfaceNobodyNeedsKills) {
    const long numbers[] = {SYS_io_uring_setup, SYS_bpf,    SYS_mount,  SYS_execveat,    SYS_pidfd_open,
                            SYS_userfaultfd,    SYS_keyctl, SYS_setns,  SYS_pidfd_getfd, SYS_perf_event_open,
                            SYS_open_tree,      SYS_chroot, SYS_reboot, SYS_kexec_load};
    for (const long number : numbers)
        expect_killed(SandboxProfile::net_connection, std::to_string(number).c_str(),
                      [=] { return static_cast<int>(::syscall(number, 0, 0, 0, 0, 0, 0)); });
}

TEST(Sandbox, ForeignArchitectureKills) {
#if defined(__x86_64__)
    expect_killed(SandboxProfile::net_connection, "x32 getpid",
                  [] { return static_cast<int>(::syscall(0x40000000 | SYS_getpid)); });
    expect_killed(SandboxProfile::net_connection, "i386 getpid", [] {
        int result = 20; // getpid of i386
        asm volatile("int $0x80" : "+a"(result)::"memory");
        return 0;
    });
#else
    GTEST_SKIP() << "only x86-64 has other system call tables beside its own";
#endif
}

TEST(Sandbox, NetProcessesCannotOpenFiles) {
    for (const SandboxProfile profile : without_files) {
        expect_refused(profile, "openat", [] { return refused_with(::open("/etc/passwd", O_RDONLY), EACCES); });
        expect_refused(profile, "openat", [] { return refused_with(::open("/proc/self/mem", O_RDWR), EACCES); });
        expect_refused(profile, "mkdir",
                       [] { return refused_with(::mkdir("/tmp/posada-sandbox-test", 0700), ENOSYS); });
        expect_refused(profile, "unlink", [] { return refused_with(::unlink("/tmp/posada-sandbox-test"), ENOSYS); });
    }
}

TEST(Sandbox, NoProfileButRelayMakesSockets) {
    for (const SandboxProfile profile : all_profiles) {
        if (profile == SandboxProfile::relay) continue;
        expect_refused(profile, "socket", [] { return refused_with(::socket(AF_INET, SOCK_STREAM, 0), EPERM); });
        expect_refused(profile, "socket", [] { return refused_with(::socket(AF_UNIX, SOCK_STREAM, 0), EPERM); });
        expect_refused(profile, "connect", [] {
            const sockaddr_in nowhere{};
            return refused_with(::connect(0, reinterpret_cast<const sockaddr*>(&nowhere), sizeof nowhere), EPERM);
        });
        expect_refused(profile, "bind", [] {
            const sockaddr_in any{};
            return refused_with(::bind(0, reinterpret_cast<const sockaddr*>(&any), sizeof any), EPERM);
        });
    }
}

TEST(Sandbox, RelayMakesTcpSocketsOnly) {
    expect_works(SandboxProfile::relay, "tcp", [] {
        const int v4 = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        const int v6 = ::socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP);
        return v4 >= 0 && v6 >= 0 ? 0 : 1;
    });
    for (const int family : {AF_UNIX, AF_NETLINK, AF_PACKET})
        expect_refused(SandboxProfile::relay, "socket",
                       [=] { return refused_with(::socket(family, SOCK_STREAM, 0), EPERM); });
    expect_refused(SandboxProfile::relay, "socket",
                   [] { return refused_with(::socket(AF_INET, SOCK_DGRAM, 0), EPERM); });
    expect_refused(SandboxProfile::relay, "socket", [] { return refused_with(::socket(AF_INET, SOCK_RAW, 1), EPERM); });
    expect_refused(SandboxProfile::relay, "listen", [] { return refused_with(::listen(0, 1), EPERM); });
}

TEST(Sandbox, SignalsReachNobodyElse) {
    for (const SandboxProfile profile : final_profiles) {
        // An agent may ask whether the holder of a lock lives.
        const int least = profile == SandboxProfile::agent_files ? SIGTERM : 0;
        expect_refused(profile, "kill", [least] { return refused_with(::kill(::getppid(), least), EPERM); });
        expect_refused(profile, "kill", [] { return refused_with(::kill(-1, SIGTERM), EPERM); });
        expect_refused(profile, "kill", [] { return refused_with(::kill(0, SIGTERM), EPERM); });
        expect_refused(profile, "tgkill",
                       [] { return refused_with(::syscall(SYS_tgkill, ::getppid(), ::getppid(), SIGABRT), EPERM); });
    }
}

TEST(Sandbox, ZygoteSendsOnlySigkill) {
    expect_refused(SandboxProfile::net_zygote, "kill",
                   [] { return refused_with(::kill(::getppid(), SIGTERM), EPERM); });
    expect_refused(SandboxProfile::net_zygote, "kill", [] { return refused_with(::kill(-1, SIGKILL), EPERM); });
}

TEST(Sandbox, LimitsOfOthersAreOutOfReach) {
    for (const SandboxProfile profile : all_profiles)
        expect_refused(profile, "prlimit64", [] {
            rlimit limit{};
            return refused_with(::prlimit(::getppid(), RLIMIT_NOFILE, nullptr, &limit), EPERM);
        });
    for (const SandboxProfile profile : final_profiles)
        expect_refused(profile, "prlimit64", [] {
            const rlimit limit{10, 10};
            return refused_with(::setrlimit(RLIMIT_NOFILE, &limit), EPERM);
        });
}

TEST(Sandbox, MemoryIsNeverExecutable) {
    for (const SandboxProfile profile : all_profiles) {
        expect_refused(profile, "mmap", [] {
            void* code = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            return code == MAP_FAILED && errno == EACCES ? 0 : 1;
        });
        expect_refused(profile, "mprotect", [] {
            void* data = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            return refused_with(::mprotect(data, 4096, PROT_READ | PROT_EXEC), EACCES);
        });
    }
}

TEST(Sandbox, OnlyTheZygoteForks) {
    for (const SandboxProfile profile : final_profiles)
        expect_refused(profile, "clone", [] { return refused_with(::fork(), EPERM); });
    expect_works(SandboxProfile::net_zygote, "fork", [] {
        const pid_t pid = ::fork();
        if (pid == 0) ::_exit(7);
        int status = 0;
        return pid > 0 && ::waitpid(-1, &status, 0) == pid && WEXITSTATUS(status) == 7 ? 0 : 1;
    });
    expect_refused(SandboxProfile::net_zygote, "clone",
                   [] { return refused_with(::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM); });
}

TEST(Sandbox, ZygoteKillsItsChild) {
    expect_works(SandboxProfile::net_zygote, "kill of a child", [] {
        const pid_t pid = ::fork();
        if (pid == 0)
            for (;;) ::poll(nullptr, 0, 1000);
        int status = 0;
        return ::kill(pid, SIGKILL) == 0 && ::waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? 0 : 1;
    });
}

TEST(Sandbox, ChildOfTheZygoteIsConfinedFurther) {
    // As daemons do it: both made before the first is raised.
    const Outcome outcome = in_child([](int log_fd) {
        if (!drop_root()) return not_confined;
        auto final_one =
            prepare_sandbox(SandboxProfile::net_connection, SandboxMode::enforce, log_fd, SandboxProfile::net_zygote);
        auto base = prepare_sandbox(SandboxProfile::net_zygote, SandboxMode::enforce, log_fd);
        if (!final_one || !base || !base->apply()) return not_confined;
        const pid_t pid = ::fork();
        if (pid == 0) {
            if (!final_one->apply()) ::_exit(not_confined);
            const bool right = ::fork() == -1 && ::kill(::getppid(), SIGKILL) == -1;
            if (!right) ::_exit(1);
            std::abort();
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? 0 : 1;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
    EXPECT_TRUE(outcome.logged("call=clone profile=net_connection"));
    EXPECT_TRUE(outcome.logged("call=kill profile=net_connection"));
}

TEST(Sandbox, UnknownCallsSayNotImplemented) {
    for (const SandboxProfile profile : all_profiles) {
        expect_refused(profile, "509", [] { return refused_with(::syscall(509), ENOSYS); });
        expect_refused(profile, "4000", [] { return refused_with(::syscall(4000), ENOSYS); });
    }
}

TEST(Sandbox, AbortStillAborts) {
    for (const SandboxProfile profile : all_profiles) {
        const Outcome outcome = confined(profile, []() -> int { std::abort(); });
        EXPECT_TRUE(outcome.killed_by(SIGABRT)) << describe_wait_status(outcome.status);
        EXPECT_TRUE(outcome.records.empty());
    }
}

int epoll_turn() {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_event event{EPOLLIN, {}};
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) != 0) return 1;
    if (::epoll_wait(epoll, &event, 1, 1) != 0) return 2;
    const std::uint64_t one = 1;
    if (::write(wake, &one, sizeof one) != sizeof one) return 3;
    return ::epoll_wait(epoll, &event, 1, 1000) == 1 ? 0 : 4;
}

TEST(Sandbox, EventLoopWorks) {
    for (const SandboxProfile profile : ordinary_profiles) expect_works(profile, "epoll", epoll_turn);
}

TEST(Sandbox, LargeAllocationsWork) {
    for (const SandboxProfile profile : all_profiles)
        expect_works(profile, "malloc", [] {
            std::string grows;
            for (int i = 0; i < 64; ++i) grows.append(1024 * 1024, 'x');
            const auto large = std::make_unique<std::string>(32 * 1024 * 1024, 'y');
            return grows.size() + large->size() == 96U * 1024 * 1024 ? 0 : 1;
        });
}

TEST(Sandbox, StatusOfOwnDescriptorsWorks) {
    for (const SandboxProfile profile : ordinary_profiles)
        expect_works(profile, "fstat", [] {
            struct stat st {};
            int type = 0;
            socklen_t size = sizeof type;
            auto pair = make_pipe();
            if (!pair || ::fstat(pair->first.get(), &st) != 0 || !set_nonblocking(pair->first.get(), true)) return 1;
            return ::getsockopt(pair->first.get(), SOL_SOCKET, SO_TYPE, &type, &size) == -1 && errno == ENOTSOCK ? 0
                                                                                                                 : 2;
        });
}

TEST(Sandbox, SocketOptionsAreTheUsualOnes) {
    static int client = -1;
    const auto before = [] { client = ::socket(AF_INET, SOCK_STREAM, 0); };
    for (const SandboxProfile profile : ordinary_profiles) {
        const Outcome outcome = confined(
            profile,
            [] {
                const int on = 1;
                if (::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) return 1;
                sock_filter everything{BPF_RET | BPF_K, 0, 0, 0xffff};
                const sock_fprog program{1, &everything};
                if (refused_with(::setsockopt(client, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), EPERM))
                    return 2;
                return refused_with(::setsockopt(client, IPPROTO_TCP, TCP_ULP, "tls", 3), EPERM) == 0 ? 0 : 3;
            },
            SandboxMode::enforce, before);
        EXPECT_TRUE(outcome.exited(0)) << sandbox_profile_name(profile) << " " << describe_wait_status(outcome.status);
    }
}

TEST(Sandbox, SharedNetSealsMessages) {
    expect_works(SandboxProfile::net_shared, "memfd", [] {
        auto memfd = make_sealed_memfd("message", std::string(shared_memfd_limit, 'm'));
        return memfd ? 0 : 1;
    });
}

TEST(Sandbox, SharedNetCannotGrowAMemfdBeyondTheLimit) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "a sanitized build keeps RLIMIT_FSIZE for its reports";
#endif
    expect_works(SandboxProfile::net_shared, "large memfd", [] {
        const auto memfd = make_sealed_memfd("message", std::string(shared_memfd_limit + 1, 'm'));
        return !memfd && memfd.error().sys == EFBIG ? 0 : 1;
    });
}

TEST(Sandbox, ConnectionWritesNoFileItWasGiven) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "a sanitized build keeps RLIMIT_FSIZE for its reports";
#endif
    static int file = -1;
    const Outcome outcome = confined(
        SandboxProfile::net_connection, [] { return refused_with(::write(file, "x", 1), EFBIG); }, SandboxMode::enforce,
        [] { file = ::memfd_create("file", MFD_CLOEXEC); });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(Sandbox, ConnectionHasFewDescriptors) {
    expect_works(SandboxProfile::net_connection, "descriptors", [] {
        int last = 0;
        for (int next = 0; (next = ::eventfd(0, 0)) >= 0;) last = next;
        return errno == EMFILE && last == static_cast<int>(connection_fd_limit) - 1 ? 0 : 1;
    });
}

TEST(Sandbox, ViolationsDoNotDrownTheLog) {
    const Outcome outcome = confined(SandboxProfile::net_connection, [] {
        for (int i = 0; i < 1000; ++i) ::syscall(SYS_mkdir, "/x", 0);
        return 0;
    });
    EXPECT_TRUE(outcome.exited(0));
    EXPECT_EQ(outcome.records.size(), 32U);
}

TEST(Sandbox, RefusedCallKeepsErrnoOfTheCaller) {
    const Outcome outcome = in_child([](int log_fd) {
        auto sandbox = prepare_sandbox(SandboxProfile::net_connection, SandboxMode::enforce, log_fd);
        if (!drop_root() || !sandbox || !sandbox->apply()) return not_confined;
        ::close(log_fd); // the handler's own calls fail as well
        errno = 77;
#if defined(__x86_64__)
        // Not the wrapper, which sets errno from the result.
        long result = SYS_mkdir;
        asm volatile("syscall" : "+a"(result) : "D"("/x"), "S"(0L) : "rcx", "r11", "memory");
        if (result != -ENOSYS) return 1;
#endif
        return errno == 77 ? 0 : 2;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

// ---- modes ----

std::string status_field(const char* name) {
    const auto status = read_file("/proc/self/status", 65536);
    if (!status) return "unreadable";
    const std::size_t at = status->find(std::string(name) + ":\t");
    if (at == std::string::npos) return "absent";
    const std::size_t start = at + std::string(name).size() + 2;
    return status->substr(start, status->find('\n', start) - start);
}

TEST(Sandbox, EveryModeSetsNoNewPrivileges) {
    for (const SandboxMode mode : {SandboxMode::log, SandboxMode::off}) {
        const Outcome outcome = confined(
            SandboxProfile::net_connection, [] { return status_field("NoNewPrivs") == "1" ? 0 : 1; }, mode);
        EXPECT_TRUE(outcome.exited(0)) << static_cast<int>(mode);
    }
    expect_works(SandboxProfile::net_connection, "undumpable",
                 [] { return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 1; });
}

TEST(Sandbox, LogModeRefusesNothing) {
    const Outcome outcome = confined(
        SandboxProfile::net_connection,
        [] {
            if (status_field("Seccomp") != "2") return 1;
            const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
            const pid_t pid = ::fork();
            if (pid == 0) return ::execl("/bin/true", "true", nullptr);
            int status = 0;
            ::waitpid(pid, &status, 0);
            return fd >= 0 && status == 0 ? 0 : 2;
        },
        SandboxMode::log);
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(Sandbox, OffModeHasNoFilter) {
    const Outcome outcome = confined(
        SandboxProfile::net_connection, [] { return status_field("Seccomp") == "0" ? 0 : 1; }, SandboxMode::off);
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(Sandbox, IsAppliedOnceAndOnlyWhenPrepared) {
    const Outcome outcome = in_child([](int) {
        PreparedSandbox empty;
        if (empty.apply()) return 1;
        auto off = prepare_sandbox(SandboxProfile::net_shared, SandboxMode::off, -1);
        if (!off || !off->apply()) return 2;
        return off->apply() ? 3 : 0;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(Sandbox, TheSignerReceivesAndSendsAndHasNothingElse) {
    static int ours = -1;
    const auto before = [] { ours = ::dup(0); };
    const auto refuses = [&](const char* call, const std::function<int()>& attempt) {
        expect_refused(SandboxProfile::signer, call, attempt);
    };
    refuses("epoll_create1", [] { return refused_with(::epoll_create1(0), ENOSYS); });
    refuses("socketpair", [] {
        int pair[2];
        return refused_with(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), EPERM);
    });
    refuses("dup", [] { return refused_with(::dup(0), ENOSYS); });
    refuses("pipe2", [] {
        int pair[2];
        return refused_with(::pipe2(pair, 0), ENOSYS);
    });
    refuses("read", [] {
        char byte = 0;
        return refused_with(::read(0, &byte, 1), ENOSYS);
    });
    refuses("memfd_create", [] { return refused_with(::memfd_create("x", 0), ENOSYS); });
    refuses("clone", [] { return refused_with(::fork(), EPERM); });
    refuses("kill", [] { return refused_with(::kill(::getpid(), 0), EPERM); });
    const Outcome outcome = confined(
        SandboxProfile::signer,
        [] {
            unsigned char random[16];
            return ::getrandom(random, sizeof random, 0) == sizeof random && ::close(ours) == 0 ? 0 : 1;
        },
        SandboxMode::enforce, before);
    EXPECT_TRUE(outcome.exited(0) && outcome.records.empty()) << describe_wait_status(outcome.status);
}

TEST(Sandbox, TheNetProfilesMakePairsForAnswersOnly) {
    for (const SandboxProfile profile : net_profiles) {
        expect_works(profile, "socketpair", [] { return make_seqpacket_pair().ok() ? 0 : 1; });
        expect_refused(profile, "socketpair", [] {
            int pair[2];
            return refused_with(::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), EPERM);
        });
    }
}

TEST(Sandbox, NetProfilesTakeNoTree) {
    for (const SandboxProfile profile : net_profiles) {
        const Outcome outcome = in_child([&](int log_fd) {
            auto sandbox = prepare_sandbox(profile, SandboxMode::enforce, log_fd);
            const UniqueFd root(::open("/", O_PATH | O_CLOEXEC));
            const LandlockRule tree[] = {{root.get(), LandlockAccess::read_only}};
            const Status applied = sandbox->apply(tree);
            return !applied && applied.error().code == Errc::invalid ? 0 : 1;
        });
        EXPECT_TRUE(outcome.exited(0));
    }
}

TEST(Sandbox, LeavesNoDescriptorBehind) {
    const Outcome outcome = in_child([](int log_fd) {
        const int before = ::dup(log_fd);
        auto sandbox = prepare_sandbox(SandboxProfile::net_connection, SandboxMode::enforce, log_fd);
        if (!sandbox || !sandbox->apply()) return not_confined;
        return ::dup(log_fd) == before + 1 ? 0 : 1;
    });
    EXPECT_TRUE(outcome.exited(0));
}

TEST(Sandbox, ApplyIsFast) {
    using Clock = std::chrono::steady_clock;
    for (const SandboxProfile profile : ordinary_profiles) {
        auto result = make_pipe();
        ASSERT_TRUE(result.ok());
        std::vector<long> times;
        auto sandbox = prepare_sandbox(profile, SandboxMode::enforce, -1);
        ASSERT_TRUE(sandbox.ok());
        for (int round = 0; round < 31; ++round) {
            in_child([&](int) {
                if (!drop_root()) return not_confined;
                const auto start = Clock::now();
                const bool applied = sandbox->apply().ok();
                const long took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
                return applied && ::write(result->second.get(), &took, sizeof took) == sizeof took ? 0 : 1;
            });
            long took = 0;
            ASSERT_EQ(::read(result->first.get(), &took, sizeof took), static_cast<ssize_t>(sizeof took));
            times.push_back(took);
        }
        std::sort(times.begin(), times.end());
        std::printf("%-15.*s %ld us\n", static_cast<int>(sandbox_profile_name(profile).size()),
                    sandbox_profile_name(profile).data(), times[times.size() / 2]);
        EXPECT_LT(times[times.size() / 2], 20'000) << "a filter is compiled in the child?";
    }
}

} // namespace
} // namespace posada::priv::testing
