// SPDX-License-Identifier: BSD-2-Clause
// The agent: runs as the user who logged in, sees that user's home and nothing else, and opens files for reading.
#pragma once

#include <array>
#include <string>

#include "common/priv/channel.h"
#include "common/priv/request.h"

namespace posada::echod {

constexpr std::uint16_t read_request = 2;
constexpr std::array<priv::RequestInfo, 1> agent_requests{{
    {read_request, "read", priv::any_phase, false, 255, 0, 1,
     "Opens a file of the user's home; the answer tells its size."},
}};

// Until the other end closes: 0. A breach of the table: 70.
int serve_files(const std::string& home, priv::Channel channel);

} // namespace posada::echod
