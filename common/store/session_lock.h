// SPDX-License-Identifier: BSD-2-Clause
// SessionLock: at most one POP3 session per mailbox (RFC 1939 §4). A lock of the open file description on a file of
// its own: it ends with the process that holds it, however that ends, and neither delivery nor other readers ask for
// it.
#pragma once

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/store/maildir.h"

namespace posada::store {

inline constexpr const char* session_lock_name = "posada-pop3.lock";

class SessionLock {
  public:
    // Waits at most this long (blocking); then Errc::in_use.
    static Result<SessionLock> acquire(const Maildir& maildir, Millis wait);

  private:
    explicit SessionLock(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

} // namespace posada::store
