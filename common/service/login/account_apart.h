// SPDX-License-Identifier: BSD-2-Clause
// Whose mailbox, asked in a process of its own: the users file holds everybody's verifiers and NSS loads what it
// likes, and none of that is in the memory of whoever becomes the user then.
#pragma once

#include <string>

#include "common/auth/accounts.h"

namespace posada::service {

// auth::find_account in a child that ends before this returns (blocking).
Result<auth::Account> find_account_apart(const std::string& name, const auth::AccountSources& sources);

} // namespace posada::service
