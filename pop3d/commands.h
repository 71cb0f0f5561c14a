// SPDX-License-Identifier: BSD-2-Clause
// The command table of POP3: what exists, where it is allowed, how it is spelt. CAPA, HELP, syntax errors, log masking
// and the table in pop3d(8) are computed from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/proto/table.h"

namespace posada::pop3d {

class Session;

// RFC 1939 §3. UPDATE is no state of ours: no command is taken in it.
enum State : proto::StateSet {
    state_authorization = 1,
    state_transaction = 2,
};

std::span<const proto::CommandRow<Session>> commands() noexcept;

std::span<const proto::Capability<Session>> general_capabilities() noexcept; // RFC 2449 §6, RFC 3206

} // namespace posada::pop3d
