// SPDX-License-Identifier: BSD-2-Clause
// Conn: the only driver of a Session.
#pragma once

#include <memory>
#include <optional>

#include "common/service/net/session_driver.h"
#include "tests/support/echod/options.h"
#include "tests/support/echod/session.h"

namespace posada::echod {

struct NetSettings {
    EchoOptions options;
    Policy policy;
    static Result<NetSettings> read(const service::NetStart& start);
};

class Conn final : public service::SessionDriver<Session> {
  public:
    // settings outlive the connection.
    Conn(service::NetContext& context, const NetSettings& settings, service::Accepted accepted,
         std::function<void()> finished);

  private:
    void on_peer() override;
    void greet() override;
    void on_tls() override;
    void on_end() override { agent_.reset(); }
    void perform(const Effect& effect) override;
    [[nodiscard]] std::optional<Millis> patience() override { return settings_.options.idle_timeout; }
    void take_agent(UniqueFd channel) override;

    using SessionDriver::act;
    void act(const AskMonitor& ask);
    void act(const OpenFile& open);
    void act(const SendFile&);
    void act(const Crash&);

    const NetSettings& settings_;
    std::unique_ptr<service::RequestClient> agent_;
    UniqueFd opened_;
    std::uint64_t opened_size_ = 0;
};

} // namespace posada::echod
