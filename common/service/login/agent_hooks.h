// SPDX-License-Identifier: BSD-2-Clause
// The hooks of a daemon whose users have agents: it says what an agent is, the rest is here. One object per session;
// the session's agent is released with it.
#pragma once

#include "common/service/login/agents.h"
#include "common/service/login/login.h"

namespace posada::service {

class AgentHooks : public LoginHooks {
  public:
    explicit AgentHooks(Agents& agents) : agents_(agents) {} // outlives us
    ~AgentHooks() override;
    AgentHooks(const AgentHooks&) = delete;
    AgentHooks& operator=(const AgentHooks&) = delete;

    Result<UniqueFd> start_agent(const auth::Account& account) final;
    [[nodiscard]] std::vector<int> agent_fds() const final { return agents_.needed_fds(); }
    int become_agent(const auth::Account& account, UniqueFd channel) final;
    void adopt_agent(const auth::Account& account, pid_t pid) final;

  protected:
    // Asked in the monitor, or in the login worker that goes on as the agent.
    [[nodiscard]] virtual AgentPlan agent_of(const auth::Account& account) const = 0;

  private:
    Agents& agents_;
    pid_t agent_ = -1;
};

} // namespace posada::service
