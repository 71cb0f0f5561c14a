// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/child_program.h"
#include "common/service/child_descriptors.h"

#include <unistd.h>

#include <algorithm>

#include "common/base/exit_code.h"
#include "common/base/fork.h"
#include "common/base/log.h"
#include "common/priv/drop.h"
#include "common/priv/process.h"

namespace posada::service {

namespace {

Error become(const std::string& path, const Identity& identity, int channel, int log) {
    if (const Status dropped = priv::become_user(identity.uid, identity.gid, {}); !dropped) return dropped.error();
    const priv::FdMapping fds[] = {{channel, child_channel_fd}, {log, child_log_fd}};
    return priv::exec_program(path, {path}, fds);
}

} // namespace

std::string libexec_path(std::string_view program) {
    char self[4096];
    const ssize_t n = ::readlink("/proc/self/exe", self, sizeof self);
    std::string path(self, n > 0 ? static_cast<std::size_t>(n) : 0);
    for (int level = 0; level < 2; ++level) path.resize(std::min(path.size(), path.rfind('/')));
    return path + "/libexec/posada/" + std::string(program);
}

Result<pid_t> start_child_program(const std::string& path, const Identity& identity, int channel, int log) {
    if (::access(path.c_str(), X_OK) != 0) return errno_error(path);
    return fork_process([&] {
        const Error error = become(path, identity, channel, log);
        posada::log(event::start_failed, {{"what", path}, {"error", error.describe()}});
        return exit_system;
    });
}

} // namespace posada::service
