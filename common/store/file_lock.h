// SPDX-License-Identifier: BSD-2-Clause
// The lock on the whole of an open file (F_OFD_SETLK), for the locks that are files of a mailbox: it belongs to the
// open file description, so it ends with the process that holds it, however that ends.
#pragma once

namespace posada::store {

// To write, without waiting. fd is open for writing. False: errno says why; EAGAIN or EACCES if somebody else has it.
bool try_lock_file(int fd) noexcept;

} // namespace posada::store
