// SPDX-License-Identifier: BSD-2-Clause
// The privileged request table: one row per request, checked by RequestGate before any handler sees a byte.
// Request types are even, the answer to type n is n + 1. A breach (unknown, wrong phase, a second time, too large,
// wrong number of descriptors) kills the process that sent it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/priv/channel.h"

namespace posada::priv {

using PhaseSet = std::uint8_t;
enum Phase : PhaseSet {
    before_login = 1,
    after_login = 2,
    any_phase = 3,
};

struct RequestInfo {
    std::uint16_t type;    // even
    std::string_view name; // for logs, SECURITY.md
    PhaseSet phases;
    bool once;                // at most one time per session
    std::uint32_t max_bytes;  // payload
    std::uint8_t fds_in;      // exactly this many descriptors come with the request ...
    std::uint8_t fds_out;     // ... and at most this many with the answer
    std::string_view meaning; // one sentence for SECURITY.md
};

// Checks messages of one session against a table; pure.
class RequestGate {
  public:
    explicit RequestGate(std::span<const RequestInfo> table) : table_(table), used_(table.size(), false) {}
    void set_phase(Phase phase) { phase_ = phase; }
    [[nodiscard]] Phase phase() const { return phase_; }
    // Index of the admitted row, or Errc::protocol naming the row and the rule it broke.
    Result<std::size_t> admit(const Message& message);

  private:
    std::span<const RequestInfo> table_;
    std::vector<bool> used_;
    Phase phase_ = before_login;
};

// A stable hash of the whole table; both ends of a channel compare it in their hello (an upgrade under way = exit 78).
std::uint64_t table_hash(std::span<const RequestInfo> table);
// The largest fds_in of the table: what the receiving side must be ready to take.
unsigned max_request_fds(std::span<const RequestInfo> table);

} // namespace posada::priv
