// SPDX-License-Identifier: BSD-2-Clause
// Who may have a channel to the queue, and how many there are.
#include "smtpd/queue_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "common/base/log.h"
#include "tests/unit/smtpd/spool_fixture.h"

namespace posada::smtpd {
namespace {

struct Silence final : LogSink {
    Silence() : previous(set_log_sink(this)) {}
    ~Silence() override { set_log_sink(previous); }
    void write(const LogEvent&, std::string_view) noexcept override {}
    LogSink* previous;
};

struct QueueServerTest : testing::Test {
    void SetUp() override {
        auto spool = Spool::open(scratch.path() + "/spool", clock);
        ASSERT_TRUE(spool.ok());
        queue = std::make_unique<Queue>(QueueConfig{}, std::move(*spool), clock);
        UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const sa_family_t any = AF_UNIX; // a name that the kernel chooses, beside the file system
        ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
        ASSERT_EQ(::listen(listener.get(), 128), 0);
        ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
        // Without root everybody is somebody else.
        const uid_t owner = ::geteuid() == 0 ? 0 : ::geteuid() + (mine ? 0 : 1);
        server = std::make_unique<QueueServer>(*loop, *queue, std::move(listener), owner, 10,
                                               [](const Error& error) { ADD_FAILURE() << error.describe(); });
    }
    [[nodiscard]] UniqueFd connect() const {
        UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) fd.reset();
        return fd;
    }
    // The queue serves meanwhile.
    void run_until(const std::function<bool()>& done) {
        io::Timer guard(*loop, [this] { loop->stop(); });
        for (int i = 0; i < 1'000 && !done(); ++i) {
            guard.start(Millis(10));
            loop->run();
        }
    }
    int exit_status_of(pid_t pid) {
        int status = -1;
        run_until([&] { return ::waitpid(pid, &status, WNOHANG) == pid; });
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    bool mine = true;
    Silence silence;
    ScratchDirectory scratch;
    FakeClock clock;
    std::unique_ptr<io::Loop> loop = std::move(*io::Loop::create());
    std::unique_ptr<Queue> queue;
    sockaddr_un address{};
    socklen_t length = sizeof address;
    std::unique_ptr<QueueServer> server;
};
struct ForeignUser : QueueServerTest {
    ForeignUser() { mine = false; }
};

// 1 = refused, 0 = it waits for our first word.
int refusals(const UniqueFd& fd, int flags = 0) {
    char octet = 0;
    return ::recv(fd.get(), &octet, 1, flags) == 0 ? 1 : 0;
}

TEST_F(ForeignUser, HasNoChannel) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::geteuid() == 0 && ::setresuid(65'534, 65'534, 65'534) != 0) ::_exit(3);
        const UniqueFd fd = connect();
        const timeval patience{5, 0};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::_exit(fd.valid() ? refusals(fd) : 2);
    }
    EXPECT_EQ(exit_status_of(child), 1);
}

TEST_F(QueueServerTest, ThereAreNoMoreThan64Channels) {
    auto connected = std::move(*make_pipe());
    auto go = std::move(*make_pipe());
    ASSERT_TRUE(set_nonblocking(connected.first.get(), true).ok());
    std::vector<pid_t> children;
    for (int i = 0; i < 5; ++i) { // five times 13; one process may have 16
        children.push_back(::fork());
        if (children.back() != 0) continue;
        std::vector<UniqueFd> channels;
        for (int n = 0; n < 13; ++n) channels.push_back(connect());
        char octet = 'x';
        if (::write(connected.second.get(), &octet, 1) != 1 || ::read(go.first.get(), &octet, 1) != 1) ::_exit(99);
        int refused = 0;
        for (const UniqueFd& fd : channels) refused += refusals(fd, MSG_DONTWAIT);
        ::_exit(refused);
    }
    std::size_t heard = 0;
    run_until([&] {
        char octets[8];
        const ssize_t n = ::read(connected.first.get(), octets, sizeof octets);
        if (n > 0) heard += static_cast<std::size_t>(n);
        return heard == children.size();
    });
    run_until([turns = 0]() mutable { return ++turns > 2; }); // the last are accepted
    ASSERT_TRUE(write_all(go.second.get(), "go!!!").ok());
    int refused = 0;
    for (const pid_t child : children) refused += exit_status_of(child);
    EXPECT_EQ(refused, 1);
}

} // namespace
} // namespace posada::smtpd
