// SPDX-License-Identifier: BSD-2-Clause
// DataTransfer: one transfer over a connected data socket, with TLS or without: a file or a pipe to the client, or the
// client's bytes into a file. It ends once; a socket on which all was sent is then closed in its own time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/fd.h"
#include "common/base/pace.h"
#include "common/io/loop.h"
#include "common/io/stream.h"
#include "common/proto/ftp/ascii.h"
#include "ftpd/direct_mover.h"

namespace posada::ftpd {

struct TransferPlan {
    enum class What : std::uint8_t { send_file, send_pipe, receive };
    What what = What::send_file;
    UniqueFd file;            // or the pipe
    std::uint64_t offset = 0; // send_file: from here ...
    std::uint64_t size = 0;   // ... to here
    std::uint64_t room = 0;   // receive: octets that the file may take
    bool ascii = false;
    std::uint64_t rate = 0;   // octets in a second, of files; 0: no limit
    Millis patience{};        // without any progress
    bool must_resume = false; // a TLS session of its own is refused
    // Empty: plain. refused: to be called when such a session needs a signature.
    std::function<void(io::Stream&, std::function<void()> refused)> start_tls;
};

class DataTransfer {
  public:
    struct Handler {
        std::function<void(TransferEnd)> on_end;
        std::function<void()> on_closed; // after on_end(complete): the socket is done with
    };
    // The handler's functions come from the loop and may destroy us.
    DataTransfer(io::Loop& loop, UniqueFd socket, TransferPlan plan, Handler handler);
    DataTransfer(const DataTransfer&) = delete;
    DataTransfer& operator=(const DataTransfer&) = delete;
    [[nodiscard]] std::uint64_t octets() const; // transferred so far

  private:
    [[nodiscard]] bool sends() const { return plan_.what != TransferPlan::What::receive; }
    void move_directly(UniqueFd socket);
    void open_stream(UniqueFd socket);
    [[nodiscard]] io::Stream& stream() const { return *owned_; }
    void begin();
    void on_tls(const Status& status);
    void send_more();
    void send_range();
    void send_converted();
    void go_on();
    void read_pipe();
    void receive();
    void received_all();
    bool store(std::string_view bytes); // false: it has ended
    void on_stream_end(io::StreamEnd how);
    void check_progress();
    void end(TransferEnd how);

    io::Loop& loop_;
    TransferPlan plan_;
    Handler handler_;
    std::unique_ptr<DirectMover> direct_; // what needs no TLS and no conversion ...
    std::unique_ptr<io::Stream> owned_;   // ... and all else
    io::Deferred more_;
    io::Timer timer_; // a transfer that stands still; then, a socket that lingers
    Pace pace_;
    io::Timer paced_;
    std::uint64_t octets_then_ = 0;
    std::unique_ptr<io::Watch> pipe_watch_;
    proto::ftp::ToNetwork to_network_;
    proto::ftp::FromNetwork from_network_;
    std::string converted_;
    bool began_ = false;
    bool all_queued_ = false;
    bool over_ = false;
    bool not_resumed_ = false;
};

} // namespace posada::ftpd
