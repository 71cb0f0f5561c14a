// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/session_lock.h"

#include <fcntl.h>

#include <algorithm>
#include <thread>

#include "common/store/file_lock.h"

namespace posada::store {

namespace {

constexpr Millis first_pause{5};
constexpr Millis longest_pause{100};

} // namespace

Result<SessionLock> SessionLock::acquire(const Maildir& maildir, Millis wait) {
    constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd fd(::openat(maildir.root(), session_lock_name, flags, 0600));
    if (!fd.valid()) return errno_error(session_lock_name);
    const SystemClock clock;
    const Instant deadline = clock.now() + wait;
    // F_OFD_SETLKW knows no deadline, and a signal to end it would be one more thing to get wrong: poll.
    for (Millis pause = first_pause; !try_lock_file(fd.get()); pause = std::min(pause * 2, longest_pause)) {
        if (errno != EAGAIN && errno != EACCES) return errno_error(session_lock_name);
        if (clock.now() >= deadline) return Error{Errc::in_use, 0, "another session has the mailbox open"};
        std::this_thread::sleep_for(std::min(pause, deadline - clock.now() + Millis(1)));
    }
    return SessionLock(std::move(fd));
}

} // namespace posada::store
