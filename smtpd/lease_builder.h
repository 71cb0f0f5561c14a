// SPDX-License-Identifier: BSD-2-Clause
// LeaseBuilder: makes rows that were taken from the active queue into one lease: envelopes, and one descriptor with
// the octets (a sealed memfd with all bodies, or the file of one large body). What does not fit goes back.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "common/base/fd.h"
#include "smtpd/active_queue.h"
#include "smtpd/spool.h"

namespace posada::smtpd {

class LeaseBuilder {
  public:
    LeaseBuilder(Spool& spool, ActiveQueue& active) : spool_(spool), active_(active) {}
    // An empty lease: none of the rows had a message any more (removed by the administrator).
    Status build(std::span<const std::uint64_t> rows);
    Lease lease;
    UniqueFd body;

  private:
    enum class Added : std::uint8_t { yes, gone, full };
    Result<Added> add(const ActiveRow& row);
    Result<Added> add_message(const SpoolMessage& message);
    [[nodiscard]] bool has_room(std::uint64_t octets, std::size_t wire) const;

    Spool& spool_;
    ActiveQueue& active_;
    std::string octets_;
    std::size_t wire_ = 0;
    bool has_file_ = false;
    std::map<std::uint64_t, std::size_t> index_; // message id -> lease.messages
};

} // namespace posada::smtpd
