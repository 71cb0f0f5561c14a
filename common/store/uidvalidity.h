// SPDX-License-Identifier: BSD-2-Clause
// What makes a mailbox another one than any that was here before: its UIDVALIDITY (RFC 9051 §2.3.1.1), kept rising in
// Dovecot's files `dovecot-uidvalidity` and `dovecot-uidvalidity.<hex>`, and its GUID.
#pragma once

#include <cstdint>
#include <string>

#include "common/store/maildir.h"

namespace posada::store {

// Above `before`, above all that those files tell and not below the time in seconds; noted there before it is returned.
// Under the uidlist's lock.
Result<std::uint32_t> next_uidvalidity(const Maildir& maildir, std::uint32_t before);

std::string new_mailbox_guid(); // 32 hex digits

} // namespace posada::store
