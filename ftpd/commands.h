// SPDX-License-Identifier: BSD-2-Clause
// The FTP commands as a table: what exists, where it is allowed, how it is spelt, which RFC says so. HELP, FEAT, syntax
// errors, masking of passwords, the manual's table and the fuzz dictionary come from it; SITE has a table of its own.
#pragma once

#include <span>

#include "common/proto/table.h"

namespace posada::ftpd {

class Session;

enum State : proto::StateSet {
    state_start = 1, // nobody
    state_named = 2, // USER was given
    state_ready = 4, // logged in
};

std::span<const proto::CommandRow<Session>> commands() noexcept;
std::span<const proto::CommandRow<Session>> site_commands() noexcept;
// Words of FEAT that are no command's.
std::span<const proto::Capability<Session>> general_features() noexcept;

} // namespace posada::ftpd
