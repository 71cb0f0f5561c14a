// SPDX-License-Identifier: BSD-2-Clause
// Durations and sizes with units, both ways, as people write them in configuration and users file. The error's text is
// the rest of a sentence that starts with what was written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace posada {

Result<Millis> parse_duration(std::string_view text);    // "1h30m", "2d", "500ms"
Result<std::uint64_t> parse_size(std::string_view text); // "25M": octets, powers of 1024
std::string duration_text(Millis value);
std::string size_text(std::uint64_t octets);

} // namespace posada
