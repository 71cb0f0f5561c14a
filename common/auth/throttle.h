// SPDX-License-Identifier: BSD-2-Clause
// How long a source address waits after wrong passwords: 2, 4, 8, 15 s. One step is forgiven per quiet minute, all of
// them by a success. A device that repeats one old password is not made slower by it: the same (user, password) as one
// of the source's last 10 failures does not add a step. What is counted is in a table that all daemons of the host
// share; passwords are in it as a part of a keyed hash only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"

struct evp_mac_ctx_st;

namespace posada::auth {

struct ThrottleConfig {
    std::vector<Millis> delays{Millis(2'000), Millis(4'000), Millis(8'000), Millis(15'000)};
    Millis quiet{60'000};
    // Rows of the table, eight sources each. Who finds a row full of sources that are not quiet is not tracked: the
    // table never refuses a login.
    std::uint32_t rows = 8'192;
    std::string file; // shared with other processes; empty: of this process alone
};

class Throttle {
  public:
    // Where the file cannot be used the table is of this process; shared() says why.
    Throttle(const Clock& clock, ThrottleConfig config);
    ~Throttle();
    Throttle(const Throttle&) = delete;
    Throttle& operator=(const Throttle&) = delete;
    [[nodiscard]] const Status& shared() const { return shared_; }
    // How long an attempt from this source must wait before it may be looked at: zero, or the rest of the delay of its
    // last failure. So closing the connection instead of waiting for the refusal gains nothing.
    [[nodiscard]] Millis hold(std::string_view source) const;
    // What is remembered of a wrong password: a keyed hash that means nothing outside of the table.
    [[nodiscard]] std::string mark(std::string_view user, std::string_view password);
    // Counts a failure; how long its answer is held back.
    Millis failed(std::string_view source, std::string_view mark);
    void succeeded(std::string_view source);
    [[nodiscard]] std::size_t sources() const; // that are tracked

  private:
    struct Table;
    const Clock& clock_;
    ThrottleConfig config_;
    Status shared_;
    std::unique_ptr<Table> table_;
    std::string key_; // random, of the table
    // HMAC-SHA-256, looked up once: OpenSSL writes to pages all over the heap when it looks an algorithm up, and each
    // login worker keeps the old ones.
    struct MacFree {
        void operator()(evp_mac_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_mac_ctx_st, MacFree> mac_;
};

} // namespace posada::auth
