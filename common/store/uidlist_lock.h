// SPDX-License-Identifier: BSD-2-Clause
// UidlistLock: Dovecot's `dovecot-uidlist.lock`, a file that exists while somebody changes the uidlist. It holds
// "pid:host", and ours is locked too (F_OFD_SETLK) while we live, so one that a dead process left is told from one in
// use. Delivery never asks for it.
#pragma once

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/store/maildir.h"

namespace posada::store {

inline constexpr const char* uidlist_lock_name = "dovecot-uidlist.lock";
constexpr Seconds uidlist_lock_stale{120}; // Dovecot's: an older one belongs to nobody

class UidlistLock {
  public:
    // Waits at most this long (blocking); then Errc::busy. maildir outlives the lock.
    static Result<UidlistLock> acquire(const Maildir& maildir, Millis wait);
    UidlistLock(UidlistLock&& other) noexcept;
    UidlistLock& operator=(UidlistLock&&) = delete;
    ~UidlistLock();

  private:
    UidlistLock(const Maildir& maildir, UniqueFd fd) : maildir_(&maildir), fd_(std::move(fd)) {}
    const Maildir* maildir_;
    UniqueFd fd_;
};

} // namespace posada::store
