// SPDX-License-Identifier: BSD-2-Clause
// SyncChoice: fsync of every message, or one syncfs for the batch? Which is faster depends on the disk and on who else
// writes to it, so it is measured all the time. No I/O.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/store/delivery.h"

namespace posada::smtpd {

class SyncChoice {
  public:
    // For a batch of so many messages. A few are synced one by one: their wait stays their own.
    [[nodiscard]] store::DataSync choose(std::size_t messages);
    void measured(store::DataSync used, std::size_t messages, std::uint64_t micros);

  private:
    static constexpr std::uint32_t probe_every = 64; // batches
    std::array<double, 2> micros_per_message_{0, 0}; // moving averages; 0 = never measured
    std::uint32_t batches_ = 0;
};

} // namespace posada::smtpd
