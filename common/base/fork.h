// SPDX-License-Identifier: BSD-2-Clause
// Making a child process and saying how one has ended. What a child may keep open and who it becomes is in priv.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "common/base/result.h"

namespace posada {

// fork(2). The child gets default signal handlers (SIGPIPE stays ignored), an empty signal mask, and ends with
// _exit(body()), without destructors of the parent's objects and without atexit handlers; it inherits every descriptor:
// close_all_except() is the body's duty. Errc::limit = no process left.
Result<pid_t> fork_process(const std::function<int()>& body);

// waitpid(2) until the child has ended, its status.
int wait_for(pid_t pid);

// "exit 78", "signal 11 (SEGV)" for logs.
std::string describe_wait_status(int wait_status);

} // namespace posada
