// SPDX-License-Identifier: BSD-2-Clause
// Agents: the user processes that a launcher's sessions have started. They are reaped on SIGCHLD, and those that
// outlive their session are killed: their user can stop them, and a stopped agent would hold its locks for ever.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "common/io/loop.h"
#include "common/priv/agent.h"
#include "common/priv/process.h"

namespace posada::service {

constexpr Seconds agent_grace{60}; // from the end of its session

struct AgentPlan {
    priv::AgentSpec spec; // log_fd is filled in here
    std::function<int(priv::Channel)> body;
};

class Agents {
  public:
    // log_fd is borrowed.
    static Result<std::unique_ptr<Agents>> create(io::Loop& loop, priv::SandboxMode mode, int log_fd);
    // Kills those that are left.
    ~Agents();
    Agents(const Agents&) = delete;
    Agents& operator=(const Agents&) = delete;

    // An agent that ends with another status than 0 is logged (agent-fail).
    Result<priv::Agent> start(AgentPlan plan);
    // The same with a process that is there already (a login worker that goes on as the agent). It needs these
    // descriptors until then, and calls become(), which returns its exit status; its parent says that it is ours now.
    [[nodiscard]] std::vector<int> needed_fds() const { return {log_fd_, sandbox_.ruleset_fd()}; }
    int become(AgentPlan plan, UniqueFd channel);
    void adopt(pid_t pid, const priv::AgentSpec& spec);
    [[nodiscard]] bool idle() const { return running_.empty(); }
    // Its session is over: it sees the end of its channel and should go by itself.
    void release(pid_t pid);

  private:
    Agents(io::Loop& loop, int log_fd);
    void ended(pid_t pid, int wait_status);

    struct Running {
        std::string title;
        std::unique_ptr<io::Timer> killer; // once released
    };
    io::Loop& loop_;
    int log_fd_;
    priv::PreparedSandbox sandbox_;
    priv::Reaper reaper_;
    std::map<pid_t, Running> running_;
    io::SignalWatch on_child_;
};

} // namespace posada::service
