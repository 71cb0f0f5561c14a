// SPDX-License-Identifier: BSD-2-Clause
// The agent: runs as the user who logged in, sees that user's home and nothing else, and opens files for reading.
#pragma once

#include "common/priv/request_list.h"

namespace posada::echod {

struct FileSize {
    std::uint64_t size = 0;
    FIELDS(size)
};
struct ReadFile {
    std::string name;
    FIELDS(name)
    using Answer = FileSize;
    static constexpr priv::RequestInfo row{.type = 2,
                                           .name = "read",
                                           .max_bytes = 255,
                                           .fds_out = 1,
                                           .meaning = "Opens a file of the user's home; the answer tells its size."};
};
using AgentRequests = priv::Requests<ReadFile>;

// Until the other end closes: 0. A breach of the table: 70.
int serve_files(const std::string& home, priv::Channel channel);

} // namespace posada::echod
