// SPDX-License-Identifier: BSD-2-Clause
#include "common/priv/agent.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/exit_code.h"
#include "common/base/fork.h"
#include "common/base/heap.h"
#include "common/base/log.h"
#include "common/priv/drop.h"
#include "common/priv/process.h"

namespace posada::priv {

namespace {

// Opened after the change of user: a path the user could not enter stays closed to the agent.
Status confine(PreparedSandbox& prepared, const AgentSpec& spec) {
    RETURN_IF_ERROR(null_standard_input_output());
    ::umask(077); // whatever the launcher was started with: what an agent makes is its user's
    if (spec.found) RETURN_IF_ERROR(spec.found());
    RETURN_IF_ERROR(become_user(spec.uid, spec.gid, spec.groups));
    if (spec.prepare) RETURN_IF_ERROR(spec.prepare());
    std::vector<UniqueFd> opened;
    std::vector<LandlockRule> tree;
    for (const auto& [path, access] : spec.trees) {
        opened.emplace_back(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!opened.back().valid()) return errno_error(path);
        tree.push_back({opened.back().get(), access});
    }
    return prepared.apply(tree);
}

// The starter's sink may be a socket to journald or syslog, which is closed by now: the log channel is what is left. On
// it an agent may not say agent-fail, which is its starter's to say.
void report_failure(const AgentSpec& spec, const Error& error) {
    const std::string line = format_log(event::agent_error, {{"agent", spec.title}, {"error", error.describe()}});
    if (spec.log_fd >= 0 && ::send(spec.log_fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return;
    log(event::agent_error, {{"agent", spec.title}, {"error", error.describe()}});
}

} // namespace

int become_agent(PreparedSandbox& prepared, const AgentSpec& spec, UniqueFd channel,
                 const std::function<int(Channel)>& body) {
    forget_stack();
    set_process_title(spec.title);
    // First of all: what the starter has open would count against the limit on descriptors that the sandbox sets.
    const int needed[] = {channel.get(), spec.log_fd, prepared.ruleset_fd()};
    close_all_except(needed);
    if (const Status confined = confine(prepared, spec); !confined) {
        report_failure(spec, confined.error());
        return exit_system;
    }
    const int keep[] = {channel.get(), spec.log_fd};
    close_all_except(keep);
    return body(Channel(std::move(channel)));
}

Result<Agent> start_agent(PreparedSandbox& prepared, const AgentSpec& spec,
                          const std::function<int(Channel channel)>& body) {
    auto pair = make_seqpacket_pair();
    if (!pair) return pair.error();
    UniqueFd theirs = std::move(pair->second);
    const auto pid = fork_process([&] { return become_agent(prepared, spec, std::move(theirs), body); });
    if (!pid) return pid.error();
    return Agent{*pid, std::move(pair->first)};
}

} // namespace posada::priv
