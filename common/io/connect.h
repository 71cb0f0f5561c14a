// SPDX-License-Identifier: BSD-2-Clause
// TCP connections of ours to somebody else, without blocking: begin_connect(), wait until the socket can be written to,
// connect_result().
#pragma once

#include "common/base/fd.h"
#include "common/io/addr.h"

namespace posada::io {

// A non-blocking socket whose connection is under way; an Error only where it cannot even begin.
Result<UniqueFd> begin_connect(const Address& to);
// What became of it.
Status connect_result(int fd);

} // namespace posada::io
