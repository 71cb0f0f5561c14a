// SPDX-License-Identifier: BSD-2-Clause
// Pace: when the next octets may go, at so many octets in a second. What was sent is paid for afterwards, so that the
// mean is the rate however the octets are bundled. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/base/clock.h"

namespace posada {

class Pace {
  public:
    explicit Pace(std::uint64_t octets_per_second) : rate_(octets_per_second) {} // 0: no limit
    [[nodiscard]] bool on() const { return rate_ != 0; }
    // At a time: an eighth of a second's worth, within reason.
    [[nodiscard]] std::uint64_t bundle() const {
        return on() ? std::clamp<std::uint64_t>(rate_ / 8, 1'024, 256 * 1'024) : ~std::uint64_t{0};
    }
    void spent(std::uint64_t octets, Instant now) {
        if (on()) paid_ = std::max(paid_, Paid(now)) + Micros(octets * 1'000'000 / rate_);
    }
    // Until more may go; zero: now.
    [[nodiscard]] Millis wait(Instant now) const {
        return paid_ <= now ? Millis(0) : std::chrono::ceil<Millis>(paid_ - now);
    }

  private:
    using Micros = std::chrono::microseconds;
    using Paid = std::chrono::time_point<Instant::clock, Micros>; // finer than a clock: small ones add up
    std::uint64_t rate_;
    Paid paid_{};
};

} // namespace posada
