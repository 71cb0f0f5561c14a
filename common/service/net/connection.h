// SPDX-License-Identifier: BSD-2-Clause
// Connection: what every stream daemon's conn.cc is built on. It owns the socket's Stream and the channel to the
// monitor, does implicit TLS before the greeting, refuses bytes behind STARTTLS, logs connect, tls and session-end,
// and ends the connection in one place. The daemon adds its session and its effects.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/io/stream.h"
#include "common/service/net/net.h"
#include "common/service/net/proxy_header_reader.h"
#include "common/service/request_client.h"

namespace posada::service {

class Connection {
  public:
    // max_fds: the most descriptors a monitor's answer carries. on_finished is called once; the owner then deletes us
    // at the end of the loop's turn (Connections<>).
    Connection(NetContext& context, Accepted accepted, unsigned max_fds, std::function<void()> on_finished);
    virtual ~Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start();
    // The monitor is gone, since the daemon stops: finish in the protocol's way. Default: close after flushing.
    virtual void stop() { close("server stops"); }

  protected:
    // The client's address is final (a PROXY header may have named it), before TLS and before greet().
    virtual void on_peer() {}
    virtual void greet() = 0;    // the peer may be spoken to: connected, or TLS is up on an implicit listener
    virtual void on_input() = 0; // stream().input() has grown
    virtual void on_tls() {}     // STARTTLS has succeeded
    virtual void on_drained() {} // output fell below low water
    // The deadline passed; the default closes. A protocol with a farewell line overrides it.
    virtual void on_timeout() { close("timeout"); }
    virtual void on_end() {} // nothing more will be read: the last chance to let go of things
    // Commands received are still being worked on: a client that has closed its sending side (nc at the end of its
    // input) gets their answers first. Whoever overrides it calls close() when it is no longer so and input_ended().
    [[nodiscard]] virtual bool busy() { return false; }
    [[nodiscard]] bool input_ended() const { return input_ended_; }

    [[nodiscard]] NetContext& context() { return context_; }
    [[nodiscard]] io::Stream& stream() { return stream_; }
    [[nodiscard]] RequestClient& monitor() { return monitor_; }
    [[nodiscard]] const Accepted& accepted() const { return accepted_; }
    [[nodiscard]] bool tls_available() const;
    // Secrets may pass: TLS is up, or the listener's plaintext_auth permits this peer.
    [[nodiscard]] bool private_enough() const;
    // After the positive reply to STARTTLS was written. Bytes already received behind the command would be executed
    // as if they had come through TLS (CVE-2011-0411): they end the connection instead.
    void start_tls();
    // TLS on a further connection of the same client, with the same certificate; no tickets.
    // It must resume a session: a handshake that needs a signature fails, and refused is called. Or may have its own.
    void start_tls_beside(io::Stream& other, std::function<void()> refused = {});
    [[nodiscard]] std::shared_ptr<io::TlsContext> tls_context() const; // nullptr: no certificate
    // Flushes and closes; reason goes to the log.
    void close(std::string reason);
    [[nodiscard]] bool closing() const { return !reason_.empty(); }

  private:
    void take_proxy_header(const Result<std::optional<io::Address>>& header);
    void begin();
    void shake_hands();
    void log_connect();
    void handle_input();
    void handle_tls(const Status& status);
    void handle_end(io::StreamEnd end, const Error& error);
    void log_end(io::StreamEnd end, const Error& error);

    NetContext& context_;
    Accepted accepted_;
    std::function<void()> on_finished_;
    int socket_; // of stream_
    RequestClient monitor_;
    io::Stream stream_;
    std::string reason_; // why we close; empty = we do not
    Instant began_;
    std::unique_ptr<ProxyHeaderReader> proxy_header_; // until it has come
    std::string proxy_;                               // its address, when it named a client
    bool logged_ = false;
    bool greeted_ = false;
    bool input_ended_ = false;
};

} // namespace posada::service
