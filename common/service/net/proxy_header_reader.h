// SPDX-License-Identifier: BSD-2-Clause
// Reads a PROXY header off a socket and not one octet more: what follows may be a TLS handshake, which is read by
// somebody else.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/io/addr.h"
#include "common/io/loop.h"

namespace posada::service {

class ProxyHeaderReader {
  public:
    // The client's address; nullopt: the connection is the proxy's own. Errc::protocol: no header. Errc::closed.
    using OnRead = std::function<void(Result<std::optional<io::Address>>)>;
    // socket: stays open as long as the reader. on_read is called once; it may destroy the reader.
    ProxyHeaderReader(io::Loop& loop, int socket, OnRead on_read);

  private:
    void on_readable();
    void finish(Result<std::optional<io::Address>> result);

    int socket_;
    OnRead on_read_;
    std::string bytes_;
    io::Watch watch_;
};

} // namespace posada::service
