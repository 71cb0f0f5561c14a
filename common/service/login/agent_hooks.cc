// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login/agent_hooks.h"

namespace posada::service {

AgentHooks::~AgentHooks() {
    if (agent_ > 0) agents_.release(agent_);
}

Result<UniqueFd> AgentHooks::start_agent(const auth::Account& account) {
    auto agent = agents_.start(agent_of(account));
    if (!agent) return agent.error();
    agent_ = agent->pid;
    return std::move(agent->channel);
}

int AgentHooks::become_agent(const auth::Account& account, UniqueFd channel) {
    return agents_.become(agent_of(account), std::move(channel));
}

void AgentHooks::adopt_agent(const auth::Account& account, pid_t pid) {
    agent_ = pid;
    agents_.adopt(pid, agent_of(account).spec);
}

} // namespace posada::service
