// SPDX-License-Identifier: BSD-2-Clause
// What a login is to a session, whichever protocol it speaks: the effect that has a password checked, and the answers
// that refuse it. SCRAM's two effects are in sasl.h.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/secret.h"

namespace posada::proto {

struct CheckPassword {
    std::string user;
    Secret password;
};

enum class LoginRefusal : std::uint8_t {
    denied,       // wrong name or password
    last_attempt, // that, and no further attempt will be looked at: close after the reply
    malformed,    // no message of this mechanism
    too_soon,     // right, but before the login delay is over (RFC 2449 §6.5)
    temporary,    // could not be decided now
};

} // namespace posada::proto
