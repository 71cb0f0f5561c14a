// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/retry.h"

#include <algorithm>

namespace posada::smtpd {

std::optional<UnixTime> next_attempt(const RetrySchedule& schedule, std::uint32_t failed_attempts, UnixTime received,
                                     UnixTime now, std::uint32_t chance) {
    const UnixTime ends = received + std::chrono::duration_cast<Seconds>(schedule.lifetime).count();
    if (now >= ends) return std::nullopt;
    const std::size_t index = std::min<std::size_t>(std::max(failed_attempts, 1U) - 1, schedule.waits.size() - 1);
    const std::int64_t wait = schedule.waits[index].count();
    const std::int64_t spread = wait / 5; // 20% wide, centred
    const std::int64_t jitter =
        spread == 0 ? 0 : static_cast<std::int64_t>(chance % static_cast<std::uint64_t>(spread)) - spread / 2;
    const UnixTime seconds = std::max<std::int64_t>(1, (wait + jitter + 999) / 1000);
    return std::min(now + seconds, ends);
}

} // namespace posada::smtpd
