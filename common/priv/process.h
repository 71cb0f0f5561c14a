// SPDX-License-Identifier: BSD-2-Clause
// What a child process needs before it runs a program, and reaping. The fork itself is in base/fork.h. No event loop
// here: whoever owns one calls Reaper::reap() on SIGCHLD.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace posada::priv {

// Descriptors 0 and 1 become /dev/null: what a starter put there (a client's socket, a log file) is nothing for a
// child.
Status null_standard_input_output();

struct FdMapping {
    int from;
    int to; // 3 or higher
};

// execve(2) in a forked child; comes back only with the reason why not. The new program has descriptors 0 and 1 on
// /dev/null, 2 as it is, the mapped ones, and no other; SIGPIPE is default again; its environment is PATH, LD_BIND_NOW
// and what is listed here if set: TZ, POSADA_LANDLOCK_ABI_MAX and the sanitizers' *_OPTIONS.
Error exec_program(const std::string& path, const std::vector<std::string>& argv, std::span<const FdMapping> fds);

// Children by pid. Never waits for a pid it was not told of: PAM modules fork and wait for their own.
class Reaper {
  public:
    using OnExit = std::function<void(int wait_status)>;
    void add(pid_t pid, OnExit on_exit);
    void forget(pid_t pid); // it is still reaped, silently
    // Calls on_exit of those that have ended; a callback may add and forget. Never blocks.
    void reap();
    void reap_one(pid_t pid); // the same, looking at one child only
    [[nodiscard]] std::size_t size() const { return children_.size(); }

  private:
    bool reap_ended();
    std::map<pid_t, OnExit> children_;
};

} // namespace posada::priv
