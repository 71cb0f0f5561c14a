// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/worker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "common/base/text.h"
#include "tests/unit/common/auth/scratch.h"

namespace posada::auth {
namespace {

bool readable_within(int fd, int milliseconds) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, milliseconds) == 1;
}

Result<std::string> wait_for(Worker& worker, int milliseconds = 10'000) {
    const SystemClock clock;
    const Instant end = clock.now() + Millis(milliseconds);
    while (clock.now() < end) {
        if (!readable_within(worker.fd(), 50)) continue;
        auto result = worker.read();
        if (result) return std::move(*result);
    }
    return Error{Errc::timeout, 0, "no result"};
}

bool alive(pid_t pid) {
    const std::string stat = test::Scratch::read("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t end = stat.rfind(')');
    return end != std::string::npos && stat[end + 2] != 'Z';
}

bool gone_soon(pid_t pid) {
    for (int i = 0; i < 200 && alive(pid); ++i) ::usleep(10'000);
    return !alive(pid);
}

bool idle_soon(WorkerPool& pool) {
    for (int i = 0; i < 200 && pool.running() > 0; ++i) {
        ::usleep(10'000);
        pool.reap();
    }
    return pool.running() == 0;
}

TEST(Worker, ReturnsWhatTheJobReturns) {
    WorkerPool pool(4, Seconds(30), -1);
    for (const std::string& bytes : {std::string("x"), std::string("a\0b", 3), std::string(60'000, 'y')}) {
        auto worker = pool.start([&] { return bytes; });
        ASSERT_TRUE(worker.ok());
        const auto result = wait_for(**worker);
        ASSERT_TRUE(result.ok()) << result.error().describe();
        EXPECT_EQ(*result, bytes);
    }
}

TEST(Worker, DoesNotBlockItsOwnerWhileItWorks) {
    WorkerPool pool(4, Seconds(30), -1);
    auto worker = pool.start([] {
        ::usleep(200'000);
        return std::string("late");
    });
    ASSERT_TRUE(worker.ok());
    EXPECT_FALSE((*worker)->read().has_value());
    EXPECT_EQ(*wait_for(**worker), "late");
}

TEST(Worker, OneThatDiesOrSaysTooMuchIsUnavailable) {
    WorkerPool pool(4, Seconds(30), -1);
    auto crashed = pool.start([]() -> std::string { ::abort(); });
    ASSERT_TRUE(crashed.ok());
    EXPECT_EQ(wait_for(**crashed).error().code, Errc::unavailable);
    auto silent = pool.start([] { return std::string(); });
    EXPECT_EQ(wait_for(**silent).error().code, Errc::unavailable);
    auto chatty = pool.start([] { return std::string(max_worker_result + 1, 'x'); });
    EXPECT_EQ(wait_for(**chatty).error().code, Errc::unavailable);
}

TEST(Worker, TheCapIsHeldAndFreedAgain) {
    WorkerPool pool(2, Seconds(30), -1);
    const auto hang = [] {
        ::sleep(60);
        return std::string("x");
    };
    auto a = pool.start(hang);
    auto b = pool.start(hang);
    ASSERT_TRUE(a.ok() && b.ok());
    EXPECT_EQ(pool.start(hang).error().code, Errc::limit);
    a->reset();
    for (int i = 0; i < 200 && pool.running() > 1; ++i) {
        ::usleep(10'000);
        pool.reap();
    }
    EXPECT_TRUE(pool.start(hang).ok());
    b->reset();
    EXPECT_TRUE(idle_soon(pool));
}

TEST(Worker, AHangingOneIsKilledWhileFiftyOthersFinish) {
    WorkerPool pool(51, Seconds(60), -1);
    auto hanging = pool.start([] {
        ::signal(SIGTERM, SIG_IGN);
        for (;;) ::pause();
        return std::string("never");
    });
    ASSERT_TRUE(hanging.ok());
    std::vector<std::unique_ptr<Worker>> others;
    for (int i = 0; i < 50; ++i) {
        auto worker = pool.start([i] { return std::to_string(i); });
        ASSERT_TRUE(worker.ok()) << i;
        others.push_back(std::move(*worker));
    }
    for (int i = 0; i < 50; ++i) EXPECT_EQ(*wait_for(*others[static_cast<std::size_t>(i)]), std::to_string(i));
    const pid_t pid = (*hanging)->pid();
    EXPECT_FALSE((*hanging)->read().has_value());
    EXPECT_TRUE(alive(pid));
    hanging->reset(); // what the owner does at the deadline
    EXPECT_TRUE(gone_soon(pid));
    others.clear();
    EXPECT_TRUE(idle_soon(pool));
}

TEST(Worker, AForgottenOneEndsByItsOwnTimer) {
    WorkerPool pool(2, Millis(500), -1);
    auto worker = pool.start([] {
        for (;;) ::pause();
        return std::string("never");
    });
    ASSERT_TRUE(worker.ok());
    EXPECT_EQ(wait_for(**worker, 5'000).error().code, Errc::unavailable);
}

TEST(Worker, WhatItStartedDiesWithIt) {
    const test::Scratch scratch;
    const std::string note = scratch.file("pid");
    WorkerPool pool(2, Seconds(30), -1);
    auto worker = pool.start([&] {
        const std::string command = "echo $$ > " + note + ".tmp; mv " + note + ".tmp " + note + "; exec sleep 60";
        return std::to_string(::system(command.c_str()));
    });
    ASSERT_TRUE(worker.ok());
    for (int i = 0; i < 500 && !std::filesystem::exists(note); ++i) ::usleep(10'000);
    const auto pid = parse_uint(trim(test::Scratch::read(note).substr(0, test::Scratch::read(note).find('\n'))));
    ASSERT_TRUE(pid.has_value());
    EXPECT_TRUE(alive(static_cast<pid_t>(*pid)));
    worker->reset();
    EXPECT_TRUE(gone_soon(static_cast<pid_t>(*pid)));
}

TEST(Worker, HasNothingOpenButStandardStreamsLogAndResult) {
    const UniqueFd stray(::open("/etc/passwd", O_RDONLY));
    const UniqueFd log(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    WorkerPool pool(2, Seconds(30), log.get());
    auto worker = pool.start([] {
        std::string open;
        for (int fd = 3; fd < 1024; ++fd)
            if (::fcntl(fd, F_GETFD) != -1) open += std::to_string(fd) + " ";
        return open;
    });
    ASSERT_TRUE(worker.ok());
    const auto result = wait_for(**worker);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(split(*result, ' ').size(), 3U) << "log, result, and the empty rest: " << *result;
    EXPECT_NE((" " + *result).find(" " + std::to_string(log.get()) + " "), std::string::npos);
}

// Whoever may trace it, or outlives its owner, has a password.
TEST(Worker, CannotBeTracedAndEndsWithItsOwner) {
    WorkerPool pool(2, Seconds(30), -1);
    auto worker = pool.start([] {
        int at_the_owners_end = 0;
        ::prctl(PR_GET_PDEATHSIG, &at_the_owners_end);
        return std::to_string(at_the_owners_end) + " " + std::to_string(::prctl(PR_GET_DUMPABLE));
    });
    ASSERT_TRUE(worker.ok());
    EXPECT_EQ(*wait_for(**worker), std::to_string(SIGKILL) + " 0");
}

TEST(Worker, LeavesNoCoreAndStartsWithDefaultSignals) {
    const auto old = ::signal(SIGCHLD, SIG_IGN);
    WorkerPool pool(2, Seconds(30), -1);
    auto worker = pool.start([] {
        rlimit core{};
        ::getrlimit(RLIMIT_CORE, &core);
        const bool fresh = ::signal(SIGCHLD, SIG_DFL) == SIG_DFL;
        return std::to_string(core.rlim_max) + (fresh ? " fresh" : " stale");
    });
    ASSERT_TRUE(worker.ok());
    EXPECT_EQ(*wait_for(**worker), "0 fresh");
    ::signal(SIGCHLD, old);
}

} // namespace
} // namespace posada::auth
