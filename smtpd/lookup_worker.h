// SPDX-License-Identifier: BSD-2-Clause
// The lookup worker's process: uid _posada-lookup, name services allowed, nothing secret in its memory. Started by the
// launchers of smtpd; one at a time.
#pragma once

#include <sys/types.h>

#include <memory>

#include "common/auth/lookup.h"
#include "common/base/fd.h"
#include "common/io/loop.h"
#include "common/service/identity.h"
#include "smtpd/lookup.h"

namespace posada::smtpd {

class LookupWorker {
  public:
    // log_fd: borrowed, the launcher's log socket.
    LookupWorker(io::Loop& loop, auth::AccountSources sources, int log_fd);
    ~LookupWorker();
    LookupWorker(const LookupWorker&) = delete;
    LookupWorker& operator=(const LookupWorker&) = delete;

    // Ends the present worker, if any, and starts one with today's users; the channel is for the net process.
    Result<UniqueFd> start(const service::Identity& identity);

  private:
    void end();
    void watch_users();

    auth::AccountSources sources_;
    int log_fd_;
    pid_t pid_ = -1;
    auth::FileStamp stamp_;
    io::Timer timer_;
};

// The handler in that process.
struct LookupAnswerer {
    const auth::AccountNames& names;
    const auth::AccountSources& sources;
    Result<Verdicts> on(const Lookup& request);
};

} // namespace posada::smtpd
