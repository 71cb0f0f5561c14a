// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login/agents.h"

#include <signal.h>

#include "common/base/fork.h"
#include "common/base/log.h"
#include "common/service/log_transport.h"

namespace posada::service {

namespace {

// The launcher's own way to its log (journald's socket, say) is closed in the agent, and its number may be anything's.
std::function<int(priv::Channel)> logging_to(int log_fd, std::function<int(priv::Channel)> body) {
    return [log_fd, body = std::move(body)](priv::Channel channel) {
        RecordSink sink(log_fd);
        set_log_sink(&sink);
        const int status = body(std::move(channel));
        set_log_sink(nullptr);
        return status;
    };
}

} // namespace

Agents::Agents(io::Loop& loop, int log_fd)
    : loop_(loop), log_fd_(log_fd), on_child_(loop, SIGCHLD, [this] { reaper_.reap(); }) {}

Result<std::unique_ptr<Agents>> Agents::create(io::Loop& loop, priv::SandboxMode mode, int log_fd) {
    auto sandbox = priv::prepare_sandbox(priv::SandboxProfile::agent_files, mode, log_fd);
    if (!sandbox) return sandbox.error();
    std::unique_ptr<Agents> out(new Agents(loop, log_fd));
    out->sandbox_ = std::move(*sandbox);
    return out;
}

Agents::~Agents() {
    for (const auto& [pid, agent] : running_) ::kill(pid, SIGKILL);
}

Result<priv::Agent> Agents::start(AgentPlan plan) {
    plan.spec.log_fd = log_fd_;
    auto agent = priv::start_agent(sandbox_, plan.spec, logging_to(log_fd_, std::move(plan.body)));
    if (agent) adopt(agent->pid, plan.spec);
    return agent;
}

int Agents::become(AgentPlan plan, UniqueFd channel) {
    plan.spec.log_fd = log_fd_;
    return priv::become_agent(sandbox_, plan.spec, std::move(channel), logging_to(log_fd_, std::move(plan.body)));
}

void Agents::adopt(pid_t pid, const priv::AgentSpec& spec) {
    log(event::agent_start, {{"agent", spec.title}, {"pid", std::to_string(pid)}, {"uid", std::to_string(spec.uid)}});
    running_[pid].title = spec.title;
    reaper_.add(pid, [this, pid](int status) { ended(pid, status); });
    reaper_.reap_one(pid); // one that is adopted may have ended before
}

void Agents::release(pid_t pid) {
    const auto agent = running_.find(pid);
    if (agent == running_.end()) return;
    agent->second.killer = std::make_unique<io::Timer>(loop_, [pid] { ::kill(pid, SIGKILL); });
    agent->second.killer->start(agent_grace);
}

void Agents::ended(pid_t pid, int wait_status) {
    const auto agent = running_.find(pid);
    if (agent == running_.end()) return;
    if (wait_status != 0)
        log(event::agent_fail, {{"agent", agent->second.title},
                                {"pid", std::to_string(pid)},
                                {"error", describe_wait_status(wait_status)}});
    running_.erase(agent);
}

} // namespace posada::service
