// SPDX-License-Identifier: BSD-2-Clause
// What an agent may touch: everything below its mailbox, nothing beside or above it.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <optional>

#include "common/base/fork.h"
#include "common/priv/landlock.h"
#include "tests/unit/common/priv/confined.h"

namespace posada::priv::testing {
namespace {

// DIR/mailbox/{tmp,new} with a message, DIR/secret beside it, DIR/mailbox/escape -> ../secret. Owned by the test's uid.
class Landlock : public ::testing::Test {
  protected:
    void SetUp() override {
        if (landlock_abi() < 2) GTEST_SKIP() << "this kernel has no Landlock with renames (ABI 2)";
        char name[] = "/tmp/posada-landlock-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        dir_ = name;
        for (const char* sub : {"", "/mailbox", "/mailbox/tmp", "/mailbox/new", "/outside"}) make_dir(dir_ + sub);
        make_file(dir_ + "/secret", "secret");
        make_file(dir_ + "/mailbox/new/1", "message");
        ASSERT_EQ(::symlink("../secret", (dir_ + "/mailbox/escape").c_str()), 0);
    }
    void TearDown() override {
        if (!dir_.empty() && std::system(("rm -rf " + dir_).c_str()) != 0) ADD_FAILURE() << dir_ << " remains";
    }

    // Confined to the mailbox, in it as working directory. Sees the file system with Landlock alone: no seccomp.
    Outcome agent(const std::function<int()>& body, LandlockAccess access = LandlockAccess::read_write) {
        return in_child([&](int) {
            if (!drop_root() || !harden_process()) return not_confined;
            const UniqueFd mailbox(::open((dir_ + "/mailbox").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
            if (::chdir((dir_ + "/mailbox").c_str()) != 0) return not_confined;
            const LandlockRule rules[] = {{mailbox.get(), access}};
            const auto ruleset = make_landlock_ruleset(rules);
            if (!ruleset || !landlock_restrict_self(ruleset->get())) return not_confined;
            return body();
        });
    }

    std::string dir_;

  private:
    static void own(const std::string& path) {
        const bool owned = ::geteuid() != 0 || ::chown(path.c_str(), test_uid, test_uid) == 0;
        ASSERT_TRUE(owned) << path;
    }
    static void make_dir(const std::string& path) {
        ::mkdir(path.c_str(), 0700);
        own(path);
    }
    static void make_file(const std::string& path, const char* text) {
        const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        ASSERT_TRUE(write_all(fd.get(), text).ok());
        own(path);
    }
};

int refused(long result) { return result == -1 && (errno == EACCES || errno == EXDEV || errno == EPERM) ? 0 : 1; }

TEST_F(Landlock, DeliversAndReadsBelowTheMailbox) {
    const Outcome outcome = agent([] {
        const UniqueFd fd(::open("tmp/2", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!write_all(fd.get(), "new message") || ::fsync(fd.get()) != 0) return 1;
        if (::rename("tmp/2", "new/2") != 0) return 2; // across directories: REFER
        if (::link("new/2", "tmp/3") != 0) return 3;
        if (::truncate("tmp/3", 3) != 0) return 4;
        if (::mkdir("cur", 0700) != 0 || ::rename("new/1", "cur/1:2,S") != 0) return 5;
        if (::unlink("tmp/3") != 0 || !read_file("cur/1:2,S", 100)) return 6;
        DIR* list = ::opendir("new");
        if (list == nullptr) return 7;
        ::closedir(list);
        return 0;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST_F(Landlock, NothingAboveOrBesideTheMailbox) {
    const Outcome outcome = agent([] {
        if (refused(::open("../secret", O_RDONLY)) != 0) return 1;
        if (refused(::open("../outside/x", O_WRONLY | O_CREAT, 0600)) != 0) return 2;
        if (refused(::open("..", O_RDONLY | O_DIRECTORY)) != 0) return 3;
        if (refused(::open("/etc/passwd", O_RDONLY)) != 0) return 4;
        if (refused(::open("/proc/self/mem", O_RDWR)) != 0) return 5;
        if (refused(::mkdir("../other", 0700)) != 0) return 6;
        return refused(::unlink("../secret")) != 0 ? 7 : 0;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST_F(Landlock, SymbolicLinkOutIsRefused) {
    const Outcome outcome = agent([] { return refused(::open("escape", O_RDONLY)); });
    EXPECT_TRUE(outcome.exited(0));
    EXPECT_TRUE(read_file(dir_ + "/mailbox/escape", 100).ok()) << "the link leads nowhere anyway";
}

TEST_F(Landlock, FilesNeitherEnterNorLeave) {
    const Outcome outcome = agent([] {
        if (refused(::rename("new/1", "../outside/1")) != 0) return 1;
        if (refused(::rename("../secret", "new/secret")) != 0) return 2;
        if (refused(::link("../secret", "new/secret")) != 0) return 3;
        return refused(::link("new/1", "../outside/1")) != 0 ? 4 : 0;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST_F(Landlock, NoSpecialFilesNoExecution) {
    const Outcome outcome = agent([] {
        if (refused(::mkfifo("fifo", 0600)) != 0) return 1;
        if (refused(::symlink("/etc", "link")) != 0) return 2;
        ::execl("/bin/true", "true", nullptr);
        return errno == EACCES ? 0 : 3;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST_F(Landlock, ReadOnlyTreeIsReadOnly) {
    const Outcome outcome = agent(
        [] {
            if (!read_file("new/1", 100)) return 1;
            if (refused(::open("new/1", O_WRONLY)) != 0) return 2;
            if (refused(::open("new/2", O_WRONLY | O_CREAT, 0600)) != 0) return 3;
            if (refused(::rename("new/1", "new/2")) != 0) return 4;
            return refused(::unlink("new/1")) != 0 ? 5 : 0;
        },
        LandlockAccess::read_only);
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

TEST_F(Landlock, TruncationOutsideIsRefusedFromAbi3) {
    if (landlock_abi() < 3) GTEST_SKIP() << "ABI " << landlock_abi() << " cannot control truncate(2)";
    const Outcome outcome = agent([] { return refused(::truncate("../secret", 0)); });
    EXPECT_TRUE(outcome.exited(0));
}

TEST_F(Landlock, WholeAgentSandboxLetsMailBeDelivered) {
    const Outcome outcome = in_child([&](int log_fd) {
        if (!drop_root()) return not_confined;
        auto sandbox = prepare_sandbox(SandboxProfile::agent_files, SandboxMode::enforce, log_fd);
        const UniqueFd mailbox(::open((dir_ + "/mailbox").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        const LandlockRule tree[] = {{mailbox.get(), LandlockAccess::read_write}};
        if (!sandbox || !sandbox->apply(tree)) return not_confined;
        const UniqueFd fd(::openat(mailbox.get(), "tmp/2", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!fd.valid() || !write_all(fd.get(), "m") || ::syncfs(fd.get()) != 0) return 1;
        if (::renameat(mailbox.get(), "tmp/2", mailbox.get(), "new/2") != 0) return 2;
        const UniqueFd list(::openat(mailbox.get(), "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!list.valid() || ::fsync(list.get()) != 0) return 3;
        return refused(::open("/etc/passwd", O_RDONLY)) != 0 ? 4 : 0;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
    EXPECT_TRUE(outcome.records.empty()) << outcome.records.front();
}

TEST_F(Landlock, NoTreeMeansNoFilesAtAll) {
    const Outcome outcome = confined(SandboxProfile::agent_files, [] {
        if (refused(::open("/etc/passwd", O_RDONLY)) != 0) return 1;
        return refused(::open("/tmp", O_RDONLY | O_DIRECTORY)) != 0 ? 2 : 0;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
}

Outcome deny_all(const std::function<int()>& body, LandlockNet net = LandlockNet::deny) {
    return in_child([&](int) {
        if (!drop_root() || !harden_process()) return not_confined;
        const auto ruleset = make_landlock_ruleset({}, net);
        if (!ruleset || !landlock_restrict_self(ruleset->get())) return not_confined;
        return body();
    });
}

int connect_somewhere() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(1);
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

int bind_somewhere() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

TEST_F(Landlock, TcpIsRefusedFromAbi4) {
    if (landlock_abi() < 4) GTEST_SKIP() << "ABI " << landlock_abi() << " knows no sockets; seccomp refuses them";
    EXPECT_TRUE(deny_all([] { return connect_somewhere() == EACCES && bind_somewhere() == EACCES ? 0 : 1; }).exited(0));
    EXPECT_TRUE(deny_all([] { return connect_somewhere() == ECONNREFUSED && bind_somewhere() == EACCES ? 0 : 1; },
                         LandlockNet::connect_only)
                    .exited(0));
}

TEST_F(Landlock, SignalsAndAbstractSocketsStayInsideFromAbi6) {
    if (landlock_abi() < 6) GTEST_SKIP() << "ABI " << landlock_abi() << " has no scopes; seccomp refuses signals";
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string text = "posada-landlock-" + std::to_string(::getpid());
    text.copy(name.sun_path + 1, sizeof name.sun_path - 1);
    const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    ASSERT_EQ(::listen(server.get(), 1), 0);
    int same_uid[2];
    ASSERT_EQ(::pipe(same_uid), 0);
    const pid_t sibling = ::fork();
    if (sibling == 0) {
        if (!drop_root() || ::write(same_uid[1], "", 1) != 1) ::_exit(1);
        ::sleep(30);
        ::_exit(0);
    }
    ::close(same_uid[1]);
    char ready = 0;
    ASSERT_EQ(::read(same_uid[0], &ready, 1), 1); // so that only the scope protects it
    ::close(same_uid[0]);
    const Outcome outcome = deny_all([=] {
        const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (refused(::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name)) != 0) return 1;
        return refused(::kill(sibling, SIGTERM)) != 0 ? 2 : 0;
    });
    EXPECT_TRUE(outcome.exited(0)) << describe_wait_status(outcome.status);
    int status = 0;
    EXPECT_EQ(::waitpid(sibling, &status, WNOHANG), 0) << "the sibling was killed";
    ::kill(sibling, SIGKILL);
    ::waitpid(sibling, &status, 0);
}

// ---- the switch that makes this kernel an older one ----

class AbiCap {
  public:
    explicit AbiCap(const char* value) {
        if (const char* old = ::getenv(name); old != nullptr) before_ = old;
        ::setenv(name, value, 1);
    }
    ~AbiCap() {
        if (before_) ::setenv(name, before_->c_str(), 1);
        if (!before_) ::unsetenv(name);
    }
    AbiCap(const AbiCap&) = delete;
    AbiCap& operator=(const AbiCap&) = delete;

  private:
    static constexpr const char* name = "POSADA_LANDLOCK_ABI_MAX";
    std::optional<std::string> before_;
};

TEST(LandlockAbi, VariableOnlyLowers) {
    const int abi = [] {
        const AbiCap none("999");
        return landlock_abi();
    }();
    EXPECT_LT(abi, 999);
    for (int wanted = 0; wanted <= abi; ++wanted) {
        const AbiCap cap(std::to_string(wanted).c_str());
        EXPECT_EQ(landlock_abi(), wanted);
    }
    const AbiCap nonsense("-3");
    EXPECT_EQ(landlock_abi(), 0);
}

TEST(LandlockAbi, EveryAbiUpToTheKernelsMakesRulesets) {
    const int abi = landlock_abi();
    const UniqueFd root(::open("/", O_PATH | O_CLOEXEC));
    const UniqueFd file(::open("/etc/passwd", O_PATH | O_CLOEXEC));
    const LandlockRule rules[] = {{root.get(), LandlockAccess::read_write}, {file.get(), LandlockAccess::read_write}};
    for (int wanted = 2; wanted <= abi; ++wanted) {
        const AbiCap cap(std::to_string(wanted).c_str());
        EXPECT_TRUE(make_landlock_ruleset({}).ok()) << wanted;
        EXPECT_TRUE(make_landlock_ruleset(rules).ok()) << wanted;
    }
}

TEST(LandlockAbi, WithoutLandlockTheRestStays) {
    const AbiCap none("0");
    EXPECT_EQ(make_landlock_ruleset({}).error().code, Errc::unavailable);
    const Outcome outcome = confined(SandboxProfile::net_connection,
                                     [] { return ::open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES ? 0 : 1; });
    EXPECT_TRUE(outcome.exited(0));
    EXPECT_TRUE(outcome.logged("call=openat"));
}

TEST(LandlockAbi, WithoutRenamesAnAgentGetsNoTreeButStillRuns) {
    if (landlock_abi() < 1) GTEST_SKIP() << "no Landlock";
    const AbiCap first("1");
    const UniqueFd root(::open("/", O_PATH | O_CLOEXEC));
    const LandlockRule rules[] = {{root.get(), LandlockAccess::read_write}};
    EXPECT_EQ(make_landlock_ruleset(rules).error().code, Errc::unavailable);
    EXPECT_TRUE(make_landlock_ruleset({}).ok());
}

} // namespace
} // namespace posada::priv::testing
