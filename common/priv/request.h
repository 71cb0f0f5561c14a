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

// One bit each; whoever has a table names them. A session begins in the first.
using Phase = std::uint8_t;
using PhaseSet = std::uint8_t;
constexpr Phase first_phase = 1;
constexpr Phase second_phase = 2;
constexpr PhaseSet any_phase = 0xff;

struct RequestInfo {
    std::uint16_t type = 0; // even
    std::string_view name;  // for logs, SECURITY.md
    PhaseSet phases = any_phase;
    bool once = false;           // at most one time per session
    std::uint32_t max_bytes = 0; // payload; what always takes the same is counted (request_list.h)
    std::uint8_t fds_in = 0;     // exactly this many descriptors come with the request ...
    std::uint8_t fds_out = 0;    // ... and at most this many with the answer
    Phase then = 0;              // the phase after a success, 0 = the same
    std::string_view meaning{};  // one sentence for SECURITY.md
    std::uint64_t form = 0;      // of request and answer, counted: two versions of a struct have two
};

// Checks messages of one session against a table; pure.
class RequestGate {
  public:
    explicit RequestGate(std::span<const RequestInfo> table) : table_(table), used_(table.size(), false) {}
    [[nodiscard]] Phase phase() const { return phase_; }
    // Errc::protocol naming the row and the rule it broke.
    Status admit(const Message& message);
    // What the request was answered with: the phase may change.
    void answered(std::uint16_t request_type, std::string_view payload);

  private:
    std::span<const RequestInfo> table_;
    std::vector<bool> used_;
    Phase phase_ = first_phase;
};

// A stable hash of the whole table; both ends of a channel compare it in their hello (an upgrade under way = exit 78).
std::uint64_t table_hash(std::span<const RequestInfo> table);
// The largest fds_in of the table: what the receiving side must be ready to take.
unsigned max_request_fds(std::span<const RequestInfo> table);

} // namespace posada::priv
