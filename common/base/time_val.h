// SPDX-License-Identifier: BSD-2-Clause
// The time-val of RFC 3659 §2.3: YYYYMMDDHHMMSS[.fraction], always UTC.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"

namespace posada {

// Fourteen digits; "invalid" years (before 1 or after 9999) cannot be written: they become 19700101000000.
std::string print_time_val(UnixTime t);
// A fraction is accepted and dropped. Nothing for what no calendar has, and for years before 1970.
std::optional<UnixTime> parse_time_val(std::string_view text);

} // namespace posada
