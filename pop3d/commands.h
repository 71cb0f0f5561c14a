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

// A capability that is no command's (RFC 2449 §6, RFC 3206).
struct Capability {
    std::string_view word;
    // What stands behind the word, of options and state; "-": the line is left out. nullptr: nothing.
    std::string (*words)(const Session&);
};
std::span<const Capability> general_capabilities() noexcept;

} // namespace posada::pop3d
