// SPDX-License-Identifier: BSD-2-Clause
// A message under way, in memfds of at most 256 KiB that the queue will seal; and the memory all messages of a process
// may take together ([smtpd] spool_memory).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::smtpd {

class MemoryBudget {
  public:
    explicit MemoryBudget(std::uint64_t limit) : limit_(limit) {}
    [[nodiscard]] bool has_room(std::uint64_t octets) const { return octets <= limit_ && used_ <= limit_ - octets; }
    [[nodiscard]] bool take(std::uint64_t octets);
    void give_back(std::uint64_t octets) { used_ -= octets; }
    [[nodiscard]] std::uint64_t used() const { return used_; }

  private:
    std::uint64_t limit_;
    std::uint64_t used_ = 0;
};

class Body {
  public:
    explicit Body(MemoryBudget& budget) : budget_(budget) {}
    ~Body() { drop(); }
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    // Errc::no_space when the budget is used up; then the body is to be dropped.
    Status write(std::string_view text);
    // The finished parts, at least one; their memory stays counted until drop().
    Result<std::vector<UniqueFd>> finish();
    void drop();
    [[nodiscard]] std::uint64_t size() const { return size_; }

  private:
    Status flush();
    Status append(std::string_view text);

    MemoryBudget& budget_;
    std::vector<UniqueFd> parts_;
    std::string buffer_; // small pieces are gathered before they are written
    std::uint64_t part_size_ = 0;
    std::uint64_t size_ = 0;
};

} // namespace posada::smtpd
