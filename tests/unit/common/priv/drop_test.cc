// SPDX-License-Identifier: BSD-2-Clause
// After become_user() nothing of root is left and nothing brings it back.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>

#include "common/base/fork.h"
#include "common/priv/drop.h"
#include "tests/unit/common/priv/confined.h"

namespace posada::priv::testing {
namespace {

std::string status_of_self(const std::string& name) {
    const auto status = read_file("/proc/self/status", 65536);
    if (!status) return "unreadable";
    const std::size_t at = status->find(name + ":");
    if (at == std::string::npos) return "absent";
    const std::size_t start = at + name.size() + 1;
    std::string value = status->substr(start, status->find('\n', start) - start);
    std::replace(value.begin(), value.end(), '\t', ' ');
    return value.substr(value.find_first_not_of(' ') == std::string::npos ? value.size()
                                                                          : value.find_first_not_of(' '));
}

#define SKIP_UNLESS_ROOT()                                                                                             \
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: only root has ids to give up"

TEST(BecomeUser, LeavesNothingOfRoot) {
    SKIP_UNLESS_ROOT();
    const Outcome outcome = in_child([](int) {
        if (!become_user(61184, 61185, {})) return 1;
        if (status_of_self("Uid") != "61184 61184 61184 61184") return 2;
        if (status_of_self("Gid") != "61185 61185 61185 61185") return 3;
        if (!status_of_self("Groups").empty()) return 4;
        for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
            if (status_of_self(set) != "0000000000000000") return 5;
        return 0;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(BecomeUser, CannotReturn) {
    SKIP_UNLESS_ROOT();
    const Outcome outcome = in_child([](int) {
        if (!become_user(61184, 61184, {})) return 1;
        if (::setuid(0) == 0 || ::seteuid(0) == 0 || ::setresuid(0, 0, 0) == 0) return 2;
        if (::setgid(0) == 0 || ::setresgid(0, 0, 0) == 0) return 3;
        if (::setuid(61185) == 0) return 4;
        if (become_user(61185, 61185, {})) return 5;
        return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 ? 6 : 0;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(BecomeUser, HasExactlyTheGroupsItWasGiven) {
    SKIP_UNLESS_ROOT();
    const Outcome outcome = in_child([](int) {
        const gid_t groups[] = {61300, 61200};
        if (!become_user(61184, 61184, groups)) return 1;
        return status_of_self("Groups").find("61200 61300") == 0 ? 0 : 2;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(BecomeUser, RefusesRoot) {
    SKIP_UNLESS_ROOT();
    const Outcome outcome = in_child([](int) {
        const Status became = become_user(0, 61184, {});
        return !became && became.error().code == Errc::invalid ? 0 : 1;
    });
    EXPECT_TRUE(outcome.exited(0));
}

TEST(BecomeUser, WithoutRootOnlyOneself) {
    const Outcome outcome = in_child([](int) {
        if (!drop_root()) return not_confined;
        if (!become_user(::getuid(), ::getgid(), {})) return 1;
        const Status other = become_user(::getuid() + 1, ::getgid(), {});
        if (other || other.error().code != Errc::denied) return 2;
        return become_user(::getuid(), ::getgid() + 1, {}) ? 3 : 0;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(Harden, NoCoreNoTracingNoNewPrivileges) {
    const Outcome outcome = in_child([](int) {
        if (!harden_process()) return 1;
        rlimit core{};
        ::getrlimit(RLIMIT_CORE, &core);
        if (core.rlim_cur != 0 || core.rlim_max != 0) return 2;
        if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 3;
        return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(Limits, AreHardAndNeverRaised) {
    const Outcome outcome = in_child([](int) {
        if (!drop_root()) return not_confined;
        ProcessLimits limits;
        limits.open_files = 20;
        if (!limit_process(limits)) return 1;
        limits.open_files = 4096;
        if (!limit_process(limits)) return 2;
        rlimit files{};
        ::getrlimit(RLIMIT_NOFILE, &files);
        return files.rlim_cur == 20 && files.rlim_max == 20 ? 0 : 3;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(Limits, NoProcessMeansNoFork) {
    SKIP_UNLESS_ROOT();
    const Outcome outcome = in_child([](int) {
        if (!drop_root()) return not_confined;
        ProcessLimits limits;
        limits.processes = 0;
        if (!limit_process(limits)) return 1;
        const auto forked = fork_process([] { return 0; });
        return !forked && forked.error().code == Errc::limit ? 0 : 2;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(Limits, LargeFileIsAnErrorNotADeath) {
    const Outcome outcome = in_child([](int) {
        ProcessLimits limits;
        limits.file_size = 10;
        if (!limit_process(limits)) return 1;
        const auto memfd = make_sealed_memfd("eleven", "01234567890");
        return !memfd && memfd.error().sys == EFBIG ? 0 : 2;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

// ---- the title ----

// argv and the environment as the kernel lays them out: strings back to back.
struct Layout {
    char bytes[64] = "posada-pop3d\0--config\0POSADA_TITLE_TEST=kept\0";
    char* argv[3] = {bytes, bytes + 13, nullptr};
    char* variables[2] = {bytes + 22, nullptr};
};
constexpr std::size_t layout_room = 45;

TEST(Title, TakesTheRoomOfArgvAndEnvironmentAndKeepsTheVariables) {
    const Outcome outcome = in_child([](int) {
        static Layout layout;
        environ = layout.variables;
        keep_title_room(2, layout.argv);
        set_process_title("pop3d: alice\n[agent] of a title that is longer than its room");
        if (std::string(layout.bytes) != "pop3d: alice?[agent] of a title that is long") return 1;
        const char* kept = ::getenv("POSADA_TITLE_TEST");
        if (kept == nullptr || std::string(kept) != "kept") return 2;
        set_process_title("short");
        if (std::string(layout.bytes, layout_room) != "short" + std::string(layout_room - 5, '\0')) return 3;
        char name[17] = {};
        ::prctl(PR_GET_NAME, name, 0, 0, 0);
        return std::string(name) == "short" ? 0 : 4;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST(Title, WithoutRoomOnlyTheShortName) {
    const Outcome outcome = in_child([](int) {
        set_process_title("smtpd-queue [spool]");
        char name[17] = {};
        ::prctl(PR_GET_NAME, name, 0, 0, 0);
        return std::string(name) == "smtpd-queue [sp" ? 0 : 1;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

} // namespace
} // namespace posada::priv::testing
