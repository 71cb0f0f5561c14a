// SPDX-License-Identifier: BSD-2-Clause
// Runs a piece of test in a forked child, the way posada's processes live: not root, confined, its log records caught.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/fork.h"
#include "common/priv/drop.h"
#include "common/priv/sandbox.h"

namespace posada::priv::testing {

constexpr uid_t test_uid = 61184;
constexpr int not_confined = 111; // exit status: the set-up itself failed

struct Outcome {
    int status = 0;                   // of waitpid
    std::vector<std::string> records; // what the child logged
    [[nodiscard]] bool exited(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
    [[nodiscard]] bool killed_by(int signal) const { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }
    [[nodiscard]] bool logged(const std::string& words) const {
        for (const std::string& record : records)
            if (record.find(words) != std::string::npos) return true;
        return false;
    }
};

inline Status drop_root() {
    if (::geteuid() != 0) return {};
    return become_user(test_uid, test_uid, {});
}

// body's return value is the child's exit status.
inline Outcome in_child(const std::function<int(int log_fd)>& body) {
    Outcome outcome;
    auto log = make_seqpacket_pair();
    if (!log) return outcome;
    const int log_fd = log->second.get();
    const auto pid = fork_process([&] { return body(log_fd); });
    log->second.reset();
    if (!pid) return outcome;
    char record[4096];
    for (ssize_t n = 0; (n = ::recv(log->first.get(), record, sizeof record, 0)) > 0;)
        outcome.records.emplace_back(record, static_cast<std::size_t>(n));
    ::waitpid(*pid, &outcome.status, 0);
    return outcome;
}

// before: runs unconfined in the child (opens what the test needs).
inline Outcome confined(SandboxProfile profile, const std::function<int()>& body,
                        SandboxMode mode = SandboxMode::enforce, const std::function<void()>& before = nullptr) {
    return in_child([&](int log_fd) {
        if (!drop_root()) return not_confined;
        if (before) before();
        auto sandbox = prepare_sandbox(profile, mode, log_fd);
        if (!sandbox || !sandbox->apply()) return not_confined;
        return body();
    });
}

} // namespace posada::priv::testing
