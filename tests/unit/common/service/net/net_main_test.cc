// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/fork.h"
#include "common/service/child_descriptors.h"
#include "common/service/net/net.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "common/priv/channel.h"
#include "common/priv/drop.h"
#include "common/service/connection_requests.h"
#include "common/service/launch/launcher.h"
#include "common/service/log_transport.h"
#include "common/service/net_protocol.h"

namespace posada::service {

namespace {

Result<MakeService> unreadable(const NetStart& start) {
    return Error{Errc::protocol, 0, "cannot read " + std::string(start.options)};
}

// A net program of this daemon, given a hello as a launcher says it.
class NetProgramRun {
  public:
    explicit NetProgramRun(const NetDaemon& daemon)
        : channel_pair_(*make_seqpacket_pair()), log_pair_(*make_log_pair()) {
        pid_ = *fork_process([&]() -> int {
            ::dup2(channel_pair_.second.get(), child_channel_fd);
            ::dup2(log_pair_.second.get(), child_log_fd);
            std::array<char*, 2> argv{const_cast<char*>("x-net"), nullptr};
            return net_main(daemon, 1, argv.data());
        });
        channel_pair_.second.reset();
    }
    Status say_hello(std::string options, Hello hello = {}) {
        const auto config = make_sealed_memfd("config", encode(NetConfig{{}, std::move(options)}));
        const auto secrets = make_sealed_memfd("secrets", encode(NetSecrets{}));
        const UniqueFd page(::memfd_create("page", MFD_CLOEXEC));
        if (!config || !secrets || ::ftruncate(page.get(), 8) != 0) return errno_error("hello");
        hello.table_hash = priv::table_hash(with_connection_requests({}));
        priv::Channel channel(UniqueFd(::dup(channel_pair_.first.get())));
        const int fds[] = {config->get(), secrets->get(), page.get()};
        return channel.send(static_cast<std::uint16_t>(NetMessage::hello), 0, to_bytes(hello), fds);
    }
    // Whether it has said ready before its end.
    bool ready() {
        priv::Channel channel(UniqueFd(::dup(channel_pair_.first.get())));
        const auto received = channel.receive(0);
        return received.ok() && received->has_value();
    }
    int exit_status() const {
        int status = 0;
        return ::waitpid(pid_, &status, 0) == pid_ && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    std::string logged() {
        const auto record = receive_log_record(log_pair_.first.get());
        return record && record->has_value() ? (*record)->line : "";
    }

  private:
    std::pair<UniqueFd, UniqueFd> channel_pair_;
    std::pair<UniqueFd, UniqueFd> log_pair_;
    pid_t pid_ = -1;
};

} // namespace

// Not in each client's process: it would be closed without a word.
TEST(NetMainTest, OptionsThatCannotBeReadEndTheProgramBeforeItIsReady) {
    for (const NetModel model : {NetModel::per_connection, NetModel::shared}) {
        const NetDaemon daemon{"x", model, {}, "", &unreadable};
        NetProgramRun run(daemon);
        ASSERT_TRUE(run.say_hello("nonsense").ok());
        EXPECT_FALSE(run.ready());
        EXPECT_EQ(run.exit_status(), 78);
        EXPECT_NE(run.logged().find("cannot read nonsense"), std::string::npos);
    }
}

TEST(NetMainTest, AProgramOfAnotherVersionDoesNotServe) {
    Hello hello;
    hello.version += ".1";
    const NetDaemon daemon{"x", NetModel::shared, {}, "", &unreadable};
    NetProgramRun run(daemon);
    ASSERT_TRUE(run.say_hello("", hello).ok());
    EXPECT_FALSE(run.ready());
    EXPECT_EQ(run.exit_status(), 78);
    EXPECT_NE(run.logged().find("differ in version"), std::string::npos);
}

TEST(NetMainTest, ChannelsAreRefusedToADaemonOfManyProcesses) {
    LauncherDaemon daemon{};
    daemon.name = "x";
    daemon.model = NetModel::per_connection;
    daemon.channels = {"queue"};
    std::array<char*, 2> argv{const_cast<char*>("x"), nullptr};
    EXPECT_EQ(launcher_main(daemon, 1, argv.data()), 70);
}

} // namespace posada::service
