// SPDX-License-Identifier: BSD-2-Clause
// The commands: what exists, where it is allowed, how it is spelt.
#pragma once

#include <span>

#include "common/proto/table.h"

namespace posada::echod {

class Session;

enum State : proto::StateSet { state_start = 1, state_user = 2 };

std::span<const proto::CommandRow<Session>> commands() noexcept;

} // namespace posada::echod
