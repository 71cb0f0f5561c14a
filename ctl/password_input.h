// SPDX-License-Identifier: BSD-2-Clause
// Where a new password comes from: a descriptor, the terminal (twice, without echo), or a generator. Never argv.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/base/secret.h"

namespace posada::ctl {

constexpr std::size_t least_password = 8;

// Errc::invalid: shorter than least_password, longer than libcrypt takes, or with a control character; the text says
// what is expected.
Status check_new_password(std::string_view password);
// Up to the first newline or the end of file.
Result<Secret> password_from_fd(int fd);
// Errc::invalid when standard input is no terminal (the text names the other ways) or the two differ.
Result<Secret> password_from_terminal();
// 80 random bits, in four groups that can be read out.
Secret generated_password();

} // namespace posada::ctl
