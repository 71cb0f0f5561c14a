// SPDX-License-Identifier: BSD-2-Clause
// Account: whose files a login or a delivery may touch. Made only by the users file or from the system's accounts,
// never from what a client sent.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/fields.h"
#include "common/base/result.h"

namespace posada::auth {

struct Account {
    std::string name;          // canonical: what the users file or the system calls it
    bool virtual_user = false; // from the users file: no Unix account
    uid_t uid = 0;             // never 0 in an account that a function of this room returned
    gid_t gid = 0;
    std::string home; // absolute
    // This user's own limits of the mailbox, 0 = none; absent = what [mailbox] says.
    std::optional<std::uint64_t> quota;
    std::optional<std::uint64_t> quota_messages;
    FIELDS(name, virtual_user, uid, gid, home, quota, quota_messages)

    [[nodiscard]] std::string maildir() const { return home + "/Maildir"; } // the directory with cur, new and tmp
};

constexpr std::size_t max_account_name = 64;

// A name of the users file: [a-z0-9._-]+, at most 64 bytes, not starting with '-' or '.'. "daniel.morato" is one.
bool valid_account_name(std::string_view name) noexcept;
// What may be looked up as a Unix account: not empty, no control byte, no '/', ':' or blank, not starting with '-'.
bool plausible_unix_name(std::string_view name) noexcept;
// "Daniel@micasa.test" -> "Daniel" when micasa.test is one of the domains: mail programs like to send the address.
std::string login_name(std::string_view typed, const std::vector<std::string>& domains);

} // namespace posada::auth
