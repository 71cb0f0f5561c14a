// SPDX-License-Identifier: BSD-2-Clause
// The header fields in which mailbox programs note what they know about a message of an mbox.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/store/mbox.h"

namespace posada::store {

// line: the beginning of a header line. A status field's name in lower case when it is one, "" when it is none;
// nullopt: too short to tell.
std::optional<std::string> status_field_name(std::string_view line);

// What the field says, into status; a field that makes no sense says nothing. value: with folded line ends.
void take_status_field(std::string_view name, std::string_view value, MboxStatus& status);

} // namespace posada::store
