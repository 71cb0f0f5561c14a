// SPDX-License-Identifier: BSD-2-Clause
// When to try again (RFC 5321 4.5.4.1). Pure: time and chance are arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/base/clock.h"

namespace posada::smtpd {

struct RetrySchedule {
    std::span<const Millis> waits; // before the 2nd, 3rd ... attempt; the last one repeats; not empty
    Millis lifetime{};
};

// failed_attempts: made so far, at least one. chance: any number; waits vary by 10% either way, so that mail that
// failed together does not come back together. The last attempt is made when the lifetime ends; nullopt = it has ended.
std::optional<UnixTime> next_attempt(const RetrySchedule& schedule, std::uint32_t failed_attempts, UnixTime received,
                                     UnixTime now, std::uint32_t chance);

} // namespace posada::smtpd
