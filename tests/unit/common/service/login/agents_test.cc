// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login/agents.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/service/log_transport.h"

using namespace posada;
using namespace posada::service;

namespace {

// The launcher's sink: what it gets in an agent is lost.
struct ClosedSink final : LogSink {
    void write(const LogEvent&, std::string_view) noexcept override {}
};

} // namespace

TEST(Agents, WhatAnAgentLogsReachesItsLauncher) {
    auto loop = io::Loop::create();
    ASSERT_TRUE(loop.ok());
    auto pair = make_log_pair();
    ASSERT_TRUE(pair.ok());
    ClosedSink closed;
    LogSink* const before = set_log_sink(&closed);
    const auto agents = Agents::create(**loop, priv::SandboxMode::off, pair->second.get());
    ASSERT_TRUE(agents.ok());
    AgentPlan plan;
    plan.spec.title = "test agent";
    constexpr uid_t nobody = 65534; // no agent is ever root
    plan.spec.uid = ::geteuid() == 0 ? nobody : ::geteuid();
    plan.spec.gid = ::geteuid() == 0 ? nobody : ::getegid();
    plan.body = [](priv::Channel) {
        log(event::mailbox_error, {{"error", "something"}});
        return 0;
    };
    ASSERT_TRUE((*agents)->start(std::move(plan)).ok());
    pollfd readable{pair->first.get(), POLLIN, 0};
    while (::poll(&readable, 1, 10'000) < 0) ASSERT_EQ(errno, EINTR) << "the agent's end is a signal here";
    const auto record = receive_log_record(pair->first.get());
    ASSERT_TRUE(record.ok() && record->has_value());
    EXPECT_NE((*record)->line.find("error=something"), std::string::npos) << (*record)->line;
    set_log_sink(before);
}
