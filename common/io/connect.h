// SPDX-License-Identifier: BSD-2-Clause
// Connecting: an outgoing TCP connection under way, for the processes that may have one (the relay, clients, tests).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/io/addr.h"
#include "common/io/loop.h"

namespace posada::io {

// Tries the addresses one after the other, each for at most `each`, until one answers. Destroying it gives up.
class Connecting {
  public:
    // The connected non-blocking socket and the address that answered.
    struct Connected {
        UniqueFd socket;
        Address address;
    };
    // Called once, from the loop. The error is that of the last address, its text lists all; Errc::timeout,
    // Errc::unavailable (refused, unreachable) or Errc::io. May destroy this object.
    using Handler = std::function<void(Result<Connected>)>;

    // source: an address to bind to first (any port), or an invalid one.
    Connecting(Loop& loop, std::vector<Address> addresses, Millis each, Handler handler, const Address& source = {});
    ~Connecting();
    Connecting(const Connecting&) = delete;
    Connecting& operator=(const Connecting&) = delete;

  private:
    void try_next();
    Status start(const Address& to);
    void on_writable();
    void attempt_failed(const Error& error);
    void finish(Result<Connected> result);

    Loop& loop_;
    std::vector<Address> addresses_;
    std::size_t at_ = 0; // the address being tried
    Millis each_;
    Handler handler_;
    Address source_;
    std::string failures_;
    Error last_;
    UniqueFd socket_;
    std::unique_ptr<Watch> watch_;
    Timer timer_;
    Deferred next_;
};

} // namespace posada::io
