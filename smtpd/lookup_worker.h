// SPDX-License-Identifier: BSD-2-Clause
// The lookup worker's process: uid _posada-lookup, name services allowed, nothing secret in its memory. Started by the
// launchers of smtpd, one for each net program: also one that retires has sessions, and takes nobody's worker.
#pragma once

#include <sys/types.h>

#include <vector>

#include "common/auth/accounts.h"
#include "common/base/fd.h"
#include "common/io/loop.h"
#include "common/service/identity.h"
#include "smtpd/lookup.h"

namespace posada::smtpd {

class LookupWorkers {
  public:
    // log_fd: borrowed, the launcher's log socket.
    LookupWorkers(io::Loop& loop, auth::AccountSources sources, int log_fd);
    ~LookupWorkers();
    LookupWorkers(const LookupWorkers&) = delete;
    LookupWorkers& operator=(const LookupWorkers&) = delete;

    // Ends the program's present worker, if any, and starts one with today's users; the channel is for the program.
    Result<UniqueFd> start(const service::Identity& identity, pid_t program);

  private:
    struct Worker {
        pid_t program;
        pid_t pid;
    };
    static void end(const Worker& worker);
    void end_all();
    void end_if_users_changed();
    void watch_users();

    auth::AccountSources sources_;
    int log_fd_;
    std::vector<Worker> workers_;
    auth::FileStamp stamp_; // of the users file that they know
    io::Timer timer_;
};

// The handler in that process.
struct LookupAnswerer {
    const auth::AccountNames& names;
    const auth::AccountSources& sources;
    Result<Verdicts> on(const Lookup& request);
};

} // namespace posada::smtpd
