// SPDX-License-Identifier: BSD-2-Clause
// TlsSession: one TLS connection over a non-blocking socket, without any event handling. OpenSSL reads the socket
// itself and writes into outgoing(), which the owner sends: so a handshake flight or a batch of records leaves in one
// system call, and SSL_write never has to be repeated with the same arguments.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/io/tls.h"
#include "common/io/tls_sign.h"

struct bio_st;

namespace posada::io {

struct TlsInfo {
    std::string version; // "TLSv1.3"
    std::string cipher;
    std::string server_name; // SNI as sent by the client, escaped by whoever logs it
    bool resumed = false;
};

class TlsSession {
  public:
    enum class Step : std::uint8_t {
        done,
        want_read, // wait until the socket is readable, then readable() and again
        closed,    // the peer said close_notify
        truncated, // the connection ended without close_notify
        failed,    // see error(); an alert may be in outgoing()
    };
    // The socket is borrowed. A server name is sent as SNI (unless it is an IP address) and, if the context verifies,
    // checked against the certificate.
    // sign: for a context whose keys are elsewhere.
    static Result<std::unique_ptr<TlsSession>> make_server(std::shared_ptr<TlsContext> context, int fd,
                                                           SignFunction sign = {});
    static Result<std::unique_ptr<TlsSession>> make_client(std::shared_ptr<TlsContext> context, int fd,
                                                           const std::string& server_name);
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    // Servers of TLS 1.3. No ticket will be sent, not even at the handshake's end: a client that only writes would
    // never read it, and closing over unread bytes resets the connection.
    void send_no_tickets();
    // One more ticket, in front of what is written next: clients use each once (RFC 8446 C.4).
    void send_ticket();

    void readable() {
        may_receive_ = true;
        received_ = 0;
    }
    Step handshake();
    // Fills the buffer as far as complete records go; *got may be > 0 with every Step. Fails with Errc::limit after 32
    // key updates without data between them.
    Step read(std::span<char> into, std::size_t* got);
    Step write(std::string_view bytes); // done or failed
    void close_notify();
    [[nodiscard]] std::string& outgoing() { return outgoing_; }
    [[nodiscard]] const Error& error() const { return error_; }
    [[nodiscard]] TlsInfo info() const;
    [[nodiscard]] std::string exporter() const; // RFC 9266, TLS 1.3 only

  private:
    TlsSession(std::shared_ptr<TlsContext> context, int fd) : context_(std::move(context)), fd_(fd) {}
    friend struct TlsBio;
    Status attach();
    Status set_server_name(const std::string& name);
    Step classify(int result);
    std::shared_ptr<TlsContext> context_;
    int fd_;
    SignFunction sign_; // until the handshake is over
    std::unique_ptr<ssl_st, SslFree> ssl_;
    std::string outgoing_;
    Error error_;
    int receive_errno_ = 0;
    bool may_receive_ = true;  // false after a short read: the socket is known to be empty, do not ask again
    bool at_end_ = false;      // the kernel reported end of file
    std::size_t received_ = 0; // since readable()
    unsigned idle_talk_ = 0;   // handshake messages after the handshake, since the last data
    bool established_ = false;
};

} // namespace posada::io
