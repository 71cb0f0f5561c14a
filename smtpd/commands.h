// SPDX-License-Identifier: BSD-2-Clause
// The command table of SMTP: what exists, where it is allowed, how it is spelt. EHLO, HELP, syntax errors, log masking
// and the man page's table are computed from it.
#pragma once

#include <cstdint>
#include <span>

#include "common/proto/table.h"

namespace posada::smtpd {

class Session;

constexpr std::size_t max_command = 512;                              // RFC 5321 4.5.3.1.4
constexpr std::size_t max_mail_command = max_command + 26 + 17 + 500; // and what SIZE, 8BITMIME and AUTH add to MAIL

// Where a dialog is (RFC 5321 4.1.4).
enum State : proto::StateSet {
    state_start = 1, // no HELO or EHLO yet
    state_ready = 2, // between transactions
    state_mail = 4,  // a sender
    state_rcpt = 8,  // and a recipient
};

std::span<const proto::CommandRow<Session>> commands() noexcept;
std::span<const proto::Capability<Session>> general_capabilities() noexcept;

} // namespace posada::smtpd
