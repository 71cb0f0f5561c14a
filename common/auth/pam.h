// SPDX-License-Identifier: BSD-2-Clause
// Unix accounts through PAM: authenticate and acct_mgmt, no session (mail logins open none). Linked into launchers
// only. PAM blocks and its modules leak, so this runs in a worker that exits after one attempt.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/auth/backends.h"

namespace posada::auth {

// Loads the modules of this service, and keeps them: a forked worker then finds them in memory, which is most of what a
// login by PAM costs. What /etc/pam.d says is still read at each login. A service without a file is no error here.
void keep_pam_modules(const std::string& pam_service);

class PamBackend final : public Backend {
  public:
    // Accounts below first_valid_uid (and root, always) are refused after a correct password.
    explicit PamBackend(uid_t first_valid_uid) : first_valid_uid_(first_valid_uid) {}
    // A name that is no Unix account runs the stack with a junk password of the same length, and one hash.
    Decision check(const Attempt& attempt, Hasher& hasher) override;

  private:
    uid_t first_valid_uid_;
};

} // namespace posada::auth
