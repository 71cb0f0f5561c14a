// SPDX-License-Identifier: BSD-2-Clause
// How fast files may move, each way: one measure for all connections of the client, whichever thread they are in.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "common/base/pace.h"
#include "common/base/result.h"

namespace posada::ftp {

class Rate {
  public:
    void set(std::uint64_t octets_per_second, std::uint64_t increment); // 0: no limit
    // Net number of times that SIGUSR1 (up) and SIGUSR2 (down) have come; each changes a limit that is set.
    void step(int count);
    [[nodiscard]] std::uint64_t limit() const;
    [[nodiscard]] std::uint64_t increment() const;
    [[nodiscard]] std::uint64_t bundle() const; // so many octets at a time
    // What has moved; how long to wait before more does.
    Millis spend(std::uint64_t octets, Instant now);

  private:
    mutable std::mutex mutex_;
    std::uint64_t limit_ = 0;
    std::uint64_t increment_ = 0;
    int steps_ = 0; // counted in limit_
    Pace pace_{0};
};

struct Rates {
    Rate get;
    Rate put;
};

// "get 100K", "put 1M 64K", "200K" (each way): words between commas or blanks. Errc::invalid.
Status set_rates(Rates& rates, const std::vector<std::string>& words);

} // namespace posada::ftp
