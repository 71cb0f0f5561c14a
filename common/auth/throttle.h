// SPDX-License-Identifier: BSD-2-Clause
// How long a source address waits after wrong passwords: 2, 4, 8, 15 s. One step is forgiven per quiet minute, all of
// them by a success. A device that repeats one old password is not made slower by it: the same (user, password) as one
// of the source's last 10 failures does not add a step. Passwords are kept only as a keyed hash.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/clock.h"

struct evp_mac_ctx_st;

namespace posada::auth {

struct ThrottleConfig {
    std::vector<Millis> delays{Millis(2'000), Millis(4'000), Millis(8'000), Millis(15'000)};
    Millis quiet{60'000};
    std::size_t max_sources = 65'536; // above: new sources are not tracked (the table never refuses a login)
    std::size_t remembered = 10;
};

class Throttle {
  public:
    Throttle(const Clock& clock, ThrottleConfig config);
    // How long an attempt from this source must wait before it may be looked at: zero, or the rest of the delay of its
    // last failure. So closing the connection instead of waiting for the refusal gains nothing.
    [[nodiscard]] Millis hold(std::string_view source) const;
    // What is remembered of a wrong password: a keyed hash that means nothing outside of this object.
    [[nodiscard]] std::string mark(std::string_view user, std::string_view password);
    // Counts a failure; how long its answer is held back.
    Millis failed(std::string_view source, std::string mark);
    void succeeded(std::string_view source);
    [[nodiscard]] std::size_t sources() const { return sources_.size(); }

  private:
    struct Source {
        std::size_t steps = 0; // of delays, 1 based
        Instant last{};
        Instant until{};
        std::deque<std::string> failures; // keyed hashes
    };
    [[nodiscard]] std::size_t steps_now(const Source& source) const;
    void forget_quiet();
    const Clock& clock_;
    ThrottleConfig config_;
    std::string key_; // random, of this process
    // HMAC-SHA-256, looked up once: OpenSSL writes to pages all over the heap when it looks an algorithm up, and each
    // login worker keeps the old ones.
    struct MacFree {
        void operator()(evp_mac_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_mac_ctx_st, MacFree> mac_;
    std::unordered_map<std::string, Source> sources_;
};

} // namespace posada::auth
