// SPDX-License-Identifier: BSD-2-Clause
// DirectMover: octets between a data socket and a file with nothing in between: no TLS, no conversion. A file leaves by
// sendfile(2); what comes goes through one buffer. It does the work of an io::Stream without its queues.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/base/fd.h"
#include "common/io/loop.h"
#include "ftpd/session.h"

namespace posada::ftpd {

// What a failed write(2) into a file means to the client.
TransferEnd end_of_error(const Error& error);

class DirectMover {
  public:
    enum class Way : std::uint8_t { send, receive };
    // socket: non-blocking. file is borrowed until on_end, which is called once, from the loop, and may destroy us.
    // send: the octets from offset up to size; then our side of the connection is shut. receive: until the peer ends.
    DirectMover(io::Loop& loop, UniqueFd socket, int file, Way way, std::uint64_t offset, std::uint64_t size,
                std::function<void(TransferEnd)> on_end);
    DirectMover(const DirectMover&) = delete;
    DirectMover& operator=(const DirectMover&) = delete;
    [[nodiscard]] std::uint64_t octets() const { return octets_; }

  private:
    // How one system call's worth of it went.
    enum class Step : std::uint8_t { moved, blocked, ended };
    void turn();
    Step send();
    Step send_small(std::size_t left);
    Step receive();
    Step failed(TransferEnd how);
    Step end(TransferEnd how);
    void wait();

    io::Loop& loop_;
    UniqueFd socket_;
    int file_;
    Way way_;
    std::uint64_t offset_;
    std::uint64_t size_;
    std::function<void(TransferEnd)> on_end_;
    io::Deferred more_;
    std::unique_ptr<io::Watch> watch_;
    std::unique_ptr<char[]> large_; // for those who send much
    std::uint64_t octets_ = 0;
    TransferEnd how_ = TransferEnd::complete;
};

} // namespace posada::ftpd
