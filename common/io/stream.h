// SPDX-License-Identifier: BSD-2-Clause
// Stream: one non-blocking stream socket, plain or TLS, with an input buffer the owner drains, an output queue, and
// deadlines. It does its own SSL_* calls (bufferevent_openssl hides truncation). Truncated TLS (no close_notify) is
// reported as such. Never calls back from inside one of its own methods: results arrive from the loop. What is written
// during one turn of the loop leaves at its end, in one segment if it fits. The owner may destroy the Stream inside any
// callback.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/io/loop.h"
#include "common/io/tls.h"
#include "common/io/tls_session.h"

namespace posada::io {

enum class StreamEnd : unsigned char { peer_closed, truncated, error, timeout };

enum class TlsTickets : unsigned char { as_configured, none }; // TlsSession::send_no_tickets()

// Empty functions are allowed.
struct StreamHandler {
    std::function<void()> on_input;     // input() has grown
    std::function<void(Status)> on_tls; // the handshake ended; after a failure on_end follows
    std::function<void()> on_drained;   // the output queue fell to low water or below (after it was above)
    // Nothing more will be read. The peer's end of file is reported after queued output has left: with peer_closed the
    // owner may still write (a client that half-closed waits for its answers) and close_after_flush; how that ended is
    // then a second and last call. The same with timeout of an established connection (a protocol may have a farewell).
    // In all other cases there is one call.
    std::function<void(StreamEnd, const Error&)> on_end;
};

class Stream {
  public:
    // Takes a connected socket, makes it non-blocking and sets TCP_NODELAY (batching is the queue's job).
    Stream(Loop& loop, UniqueFd socket, StreamHandler handler);
    ~Stream(); // closes at once; queued output is lost
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    void start_reading();
    void stop_reading(); // back-pressure: the kernel's window closes
    // Bytes received and not yet consumed. The view stays valid until the running callback returns to the loop, also
    // over consume().
    [[nodiscard]] std::string_view input() const;
    void consume(std::size_t n);
    void discard_input();
    // At most this many are buffered (default 128 KiB); reading pauses at it until consume().
    void set_max_input(std::size_t bytes);

    void write(std::string_view bytes);
    // Sends [offset, offset+length) of a regular file or memfd after what is queued: sendfile(2) without TLS.
    // The descriptor is owned by the stream until sent. A file that is shorter ends the stream with an error: bytes
    // were promised that do not exist.
    void write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length);
    [[nodiscard]] std::size_t pending_output() const;
    void set_low_water(std::size_t bytes); // default 64 KiB
    // While more than this waits in memory (file ranges do not count), nothing is read: a peer that asks and asks but
    // takes no answer cannot fill us up. Default 1 MiB.
    void set_max_unsent(std::size_t bytes);

    // Server or client handshake from here on; queued output is flushed in plain first, what is written later waits
    // for the handshake. input() must be empty: bytes that came before the handshake are never taken for protected
    // ones, and the handshake fails with Errc::protocol (CVE-2011-0411).
    void start_tls_server(std::shared_ptr<TlsContext> context, SignFunction sign = {}, // TlsSession::make_server
                          TlsTickets tickets = TlsTickets::as_configured);
    void send_tls_ticket(); // TlsSession::send_ticket()
    void start_tls_client(std::shared_ptr<TlsContext> context, std::string server_name);
    [[nodiscard]] bool tls_active() const; // the handshake has succeeded
    [[nodiscard]] TlsInfo tls_info() const;
    // RFC 9266 tls-exporter channel binding (32 bytes), TLS 1.3 only; empty if not available.
    [[nodiscard]] std::string tls_exporter() const;

    // on_end(timeout) unless reset by set_deadline before; zero = none. Covers reading, writing and the handshake.
    // While output waits and the peer goes on taking it (1 KiB confirmed in this time, at least), it starts anew: a
    // large message to a slow client is no idle client.
    void set_deadline(Millis from_now);
    // Flushes, sends close_notify, shuts down, waits for the peer's end of file (input is thrown away); then on_end:
    // peer_closed, or timeout if not all could be sent within linger. Replaces the deadline.
    void close_after_flush(Millis linger = Millis(5000));
    [[nodiscard]] bool closing() const;
    [[nodiscard]] std::uint64_t bytes_in() const; // of the protocol, without TLS's own
    [[nodiscard]] std::uint64_t bytes_out() const;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_; // outlives the Stream only until a running callback returns
};

} // namespace posada::io
