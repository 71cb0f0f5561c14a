// SPDX-License-Identifier: BSD-2-Clause
// DataConnection: the way to the client's data connection until it is there. It listens (PASV, EPSV) and accepts nobody
// but the control connection's own peer, or waits until a socket of the monitor is connected (PORT, EPRT).
#pragma once

#include <functional>
#include <optional>

#include "common/base/fd.h"
#include "common/io/addr.h"
#include "common/io/loop.h"

namespace posada::ftpd {

class DataConnection {
  public:
    // peer: of the control connection. on_stranger: somebody else knocked and was turned away.
    DataConnection(io::Loop& loop, io::Address peer, std::function<void(const io::Address&)> on_stranger);

    void reset();                  // forgets everything, on_ready too
    Status listen(UniqueFd bound); // an error: somebody else listens on that port
    void connecting(UniqueFd socket);
    // Whether the client is there already.
    [[nodiscard]] bool connected();
    // The connected socket, or an error; once, from the loop or at once. timeout: as long as it waits.
    using OnReady = std::function<void(Result<UniqueFd>)>;
    void take(Millis timeout, OnReady on_ready);

  private:
    void watch();
    void accept();
    void check_connected();
    void deliver(Result<UniqueFd> result);

    io::Loop& loop_;
    const io::Address peer_;
    std::function<void(const io::Address&)> on_stranger_;
    UniqueFd waiting_;                 // listens, or is being connected ...
    std::unique_ptr<io::Watch> watch_; // ... watched here
    io::Timer watch_later_;
    UniqueFd connected_;
    io::Timer timeout_;
    OnReady on_ready_;
};

} // namespace posada::ftpd
