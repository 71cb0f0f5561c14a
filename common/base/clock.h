// SPDX-License-Identifier: BSD-2-Clause
// Time is passed in, never read from the system inside protocol or schedule code; tests pass a FakeClock.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace posada {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
// Monotonic: deadlines and intervals.
using Instant = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;
// Wall clock, seconds since 1970: dates in headers, queue schedule.
using UnixTime = std::int64_t;

class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Instant now() const = 0;
    [[nodiscard]] virtual UnixTime unix_now() const = 0;
    [[nodiscard]] virtual std::int64_t unix_micros() const = 0;
};

class SystemClock final : public Clock {
  public:
    [[nodiscard]] Instant now() const override;
    [[nodiscard]] UnixTime unix_now() const override;
    [[nodiscard]] std::int64_t unix_micros() const override;
};

class FakeClock final : public Clock {
  public:
    explicit FakeClock(UnixTime start = 1'700'000'000) : unix_(start) {}
    void advance(Millis by) {
        mono_ += by;
        micros_ += by.count() * 1000;
    }
    [[nodiscard]] Instant now() const override { return mono_; }
    [[nodiscard]] UnixTime unix_now() const override { return unix_ + micros_ / 1'000'000; }
    [[nodiscard]] std::int64_t unix_micros() const override { return unix_ * 1'000'000 + micros_; }

  private:
    Instant mono_{};
    UnixTime unix_;
    std::int64_t micros_ = 0;
};

// RFC 5322 §3.3 date-time, in UTC with "+0000": "Sun, 22 Nov 2026 22:24:00 +0000". No locale, no time zone file.
std::string rfc5322_date(UnixTime t);
// "2026-11-22T22:24:00Z"
std::string iso8601(UnixTime t);

} // namespace posada
