// SPDX-License-Identifier: BSD-2-Clause
// Mailboxes that the POP3 dialogs are played on, by name. The pure session gets them as a list, the real daemon as
// files in a Maildir; both must show the same numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posada::test {

// course: 412 messages, the first of 498 and 912 octets, 35020509 in all (the dialog of the course).
// quirks: dots, bare LF, NUL, missing line ends, a long line (one message each, see mailboxes.cc).
// Anything else: no messages. Contents as they lie on disk.
std::vector<std::string> make_mailbox(std::string_view name);

// As the mailbox's uidlist has it: UIDL is the same everywhere.
constexpr unsigned mailbox_uidvalidity = 1'700'000'000;
// The name of message n (from 0) in new/: fixed, in order of arrival.
std::string mailbox_file_name(std::size_t index);

} // namespace posada::test
