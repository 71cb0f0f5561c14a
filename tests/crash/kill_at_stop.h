// SPDX-License-Identifier: BSD-2-Clause
// A kill at every system call: runs a script in a traced child and kills it at the first stop, the second, and so on to
// the last; each time what is left is judged. A stop is the entry into or the return from a system call (ptrace).
#pragma once

#include <string>

namespace posada::crash {

struct KillTest {
    // In the child, on an empty directory; what the world outside would have heard goes into the pipe. Its exit code.
    int (*script)(const std::string& root, int pipe);
    // After the kill. "" or what is wrong below root for somebody who heard this.
    std::string (*judge)(const std::string& root, const std::string& heard);
};

// At every step-th stop only. The program's exit code; its last line: "stops=N violations=N".
int kill_at_each_stop(const KillTest& test, unsigned long step = 1);

} // namespace posada::crash
