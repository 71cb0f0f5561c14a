// SPDX-License-Identifier: BSD-2-Clause
// Stream: one non-blocking stream socket, plain or TLS, with an input buffer the owner drains, an output queue, and
// deadlines. It does its own SSL_* calls (bufferevent_openssl hides truncation). Truncated TLS (no close_notify) is
// reported as such. Never calls back from inside one of its own methods: results arrive from the loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/io/loop.h"
#include "common/io/tls.h"

namespace posada::io {

enum class StreamEnd : unsigned char { peer_closed, truncated, error, timeout };

struct StreamHandler {
    std::function<void()> on_input;                      // input() has grown
    std::function<void(Status)> on_tls;                  // the handshake ended
    std::function<void()> on_drained;                    // the output queue fell below low water (after it was above)
    std::function<void(StreamEnd, const Error&)> on_end; // nothing more will be read; called once
};

struct TlsInfo {
    std::string version; // "TLSv1.3"
    std::string cipher;
    std::string server_name; // SNI as sent by the client, escaped by whoever logs it
    bool resumed = false;
};

class Stream {
  public:
    Stream(Loop& loop, UniqueFd socket, StreamHandler handler);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    void start_reading();
    void stop_reading(); // back-pressure: the kernel's window closes
    // Bytes received and not yet consumed. At most max_input are buffered; reading pauses above it.
    [[nodiscard]] std::string_view input() const;
    void consume(std::size_t n);
    void discard_input();
    void set_max_input(std::size_t bytes);

    void write(std::string_view bytes);
    // Sends [offset, offset+length) of a regular file or memfd after what is queued: sendfile(2) without TLS.
    // The descriptor is owned by the stream until sent.
    void write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length);
    [[nodiscard]] std::size_t pending_output() const;
    void set_low_water(std::size_t bytes); // default 64 KiB

    // Server or client handshake from here on; queued output is flushed in plain first.
    void start_tls_server(std::shared_ptr<TlsContext> context);
    void start_tls_client(std::shared_ptr<TlsContext> context, std::string server_name);
    [[nodiscard]] bool tls_active() const;
    [[nodiscard]] TlsInfo tls_info() const;
    // RFC 9266 tls-exporter channel binding (32 bytes), TLS 1.3 only; empty if not available.
    [[nodiscard]] std::string tls_exporter() const;

    // on_end(timeout) unless reset by set_deadline before; zero = none. Covers reading, writing and the handshake.
    void set_deadline(Millis from_now);
    // Flushes, sends close_notify, shuts down; then on_end. linger bounds the wait.
    void close_after_flush(Millis linger = Millis(5000));
    [[nodiscard]] bool closing() const;
    [[nodiscard]] std::uint64_t bytes_in() const;
    [[nodiscard]] std::uint64_t bytes_out() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace posada::io
