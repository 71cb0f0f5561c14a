// SPDX-License-Identifier: BSD-2-Clause
// The machine behind Stream. Everything happens in turn(), called by the loop: when the socket is ready, or at the end
// of a turn in which a method was called. Methods only note what is wanted.
#pragma once

#include <netinet/tcp.h>

#include <optional>

#include "common/io/output_queue.h"
#include "common/io/stream.h"

namespace posada::io {

struct Stream::Impl : std::enable_shared_from_this<Stream::Impl> {
    // plain -> tls_wanted (plain output still leaves) -> handshake -> tls
    enum class Mode : std::uint8_t { plain, tls_wanted, handshake, tls };
    // open -> flushing (close_after_flush) -> lingering (all sent and shut down) -> over (nothing more happens)
    enum class Life : std::uint8_t { open, flushing, lingering, over };
    enum class Sent : std::uint8_t { all, blocked, yielded, failed };

    Impl(Loop& l, UniqueFd s, StreamHandler h);
    void detach(); // the owner is gone: no callback from here on

    // stream.cc: the turn
    void turn(Interest ready);
    void advance(bool readable);
    void update_interest();
    void schedule() { task.schedule(); }
    void on_deadline();
    void set_deadline(Millis from_now);
    [[nodiscard]] std::uint64_t acknowledged() const;
    void fail(StreamEnd kind, Error error); // ends at once
    void deliver_end_of_input();
    void advance_close();
    void report_drained();
    [[nodiscard]] std::size_t pending() const; // bytes not yet given to the kernel, TLS records included
    [[nodiscard]] std::size_t records() const; // of these, TLS records
    [[nodiscard]] bool gone() const { return detached || life == Life::over; }

    // stream_read.cc
    [[nodiscard]] bool may_read() const;
    void read_plain();
    void read_tls();
    void take_input(std::string_view bytes);
    void end_of_input(StreamEnd kind, Error error);
    void throw_input_away();
    void release_input();

    // stream_write.cc
    void flush();
    Sent flush_plain(OutputQueue& queue);
    Sent send_front(OutputQueue& queue, std::size_t* n);
    Sent flush_tls();
    Status encrypt_some();
    Sent send_records();

    // stream_tls.cc
    void want_tls(std::shared_ptr<TlsContext> context, bool as_server, std::string name, SignFunction sign_with = {});
    void begin_handshake();
    void step_handshake();
    void fail_handshake(StreamEnd kind, Error error);

    Loop& loop;
    UniqueFd fd;
    StreamHandler handler;
    Watch watch;
    Deferred task;
    Timer deadline;

    Mode mode = Mode::plain;
    Life life = Life::open;
    bool detached = false;
    bool reading = false;       // start_reading
    bool write_blocked = false; // the socket's buffer is full
    bool above_low_water = false;

    std::string in;
    std::size_t in_used = 0;
    std::size_t max_input = 128 * 1024;
    std::size_t max_unsent = 1024 * 1024;
    bool tls_has_more = false; // decrypted or undecrypted bytes wait inside OpenSSL, not in the socket
    std::size_t thrown_away = 0;

    // What the peer's end of file was; reported once the output has left.
    std::optional<StreamEnd> ended;
    Error end_error;
    bool end_told = false; // on_end(peer_closed) was called, writing goes on
    bool notified = false; // close_notify is written

    OutputQueue out;
    OutputQueue plain_tail; // what was queued before the handshake
    std::size_t low_water = 64 * 1024;
    std::optional<Error> broken_output;

    std::shared_ptr<TlsContext> context;
    SignFunction sign; // for the session that want_tls() asks for
    TlsTickets tickets = TlsTickets::as_configured;
    std::unique_ptr<TlsSession> tls;
    std::size_t records_sent = 0; // how much of tls->outgoing() has left
    std::string server_name;
    bool is_server = true;

    std::uint64_t total_in = 0;
    std::uint64_t total_out = 0;
    std::uint64_t wire_out = 0; // given to the kernel
    Millis deadline_length{};
    std::uint64_t acknowledged_then = 0;
};

} // namespace posada::io
