// SPDX-License-Identifier: BSD-2-Clause
// Starting an agent: a forked process that becomes a user, sees only that user's trees, and talks over one channel.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/priv/channel.h"
#include "common/priv/sandbox.h"

namespace posada::priv {

struct AgentTree {
    std::string path; // a directory, opened with the user's rights; must exist
    LandlockAccess access;
};

struct AgentSpec {
    std::string title; // "pop3d: alice [agent]"
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;     // supplementary, exactly these
    std::function<Status()> found; // before it is the user: makes for it what only root may make; may be empty
    std::function<Status()>
        prepare;                  // as the user, before it is confined: makes trees that may be missing; may be empty
    std::vector<AgentTree> trees; // all that it can reach
    int log_fd = -1;              // borrowed: the launcher's log socket
};

struct Agent {
    pid_t pid = -1;   // to be given to a Reaper, with a deadline: its user can stop it
    UniqueFd channel; // the other end; may be passed on to the net process
};

// prepared: agent_files, made once by the caller; it stays usable for the next agent. body runs in the agent, confined,
// with descriptors 0 and 1 on /dev/null, 2, the channel and the log socket and no other; its value is the exit status.
// An agent that cannot become what it should logs agent-fail and exits 71 before body, which the other end sees as end
// of file.
Result<Agent> start_agent(PreparedSandbox& prepared, const AgentSpec& spec,
                          const std::function<int(Channel channel)>& body);

// The same in a process that is forked already and has nothing to hide from the user: it becomes the agent. Returns the
// exit status. What the caller's callers have left on the stack is gone when body runs.
int become_agent(PreparedSandbox& prepared, const AgentSpec& spec, UniqueFd channel,
                 const std::function<int(Channel channel)>& body);

} // namespace posada::priv
