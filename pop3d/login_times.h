// SPDX-License-Identifier: BSD-2-Clause
// When each account last logged in, for LOGIN-DELAY (RFC 2449 §6.5): a table of fixed size in memory that all launchers
// of a host share, so that a second connection, a reload and inetd mode make no difference. An account is a hash of its
// name. Where eight accounts of one row logged in within the delay, the oldest is forgotten and may come too early;
// nobody is ever refused for want of room.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace posada::pop3d {

class LoginTimes {
  public:
    // path: the shared file (made 0600), or empty for this process alone.
    static Result<LoginTimes> open(const std::string& path);
    LoginTimes(LoginTimes&& other) noexcept;
    LoginTimes& operator=(LoginTimes&&) = delete;
    ~LoginTimes();
    // Counts a login and says true; false, and nothing is counted, when less than delay has passed since the last.
    bool admit(std::string_view account, Instant now, Millis delay);

    static constexpr std::size_t rows = 8192;
    static constexpr std::size_t places = 8; // of a row

  private:
    using Place = std::atomic<std::uint64_t>; // tag of the account, time; 0 = free
    explicit LoginTimes(Place* table) : table_(table) {}
    Place* table_;
};

} // namespace posada::pop3d
