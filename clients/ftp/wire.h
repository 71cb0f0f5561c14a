// SPDX-License-Identifier: BSD-2-Clause
// Wire: one TCP connection, with TLS or without, for a program that waits: each call takes as long as its patience and
// ends early when the user interrupts (an Error with sys EINTR). The end of a connection with TLS counts only if the
// peer said close_notify: otherwise anybody on the way could cut a file short.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/io/addr.h"
#include "common/io/tls.h"

struct ssl_session_st;

namespace posada::ftp {

void catch_interrupts(); // SIGPIPE is ignored
bool interrupted();      // by SIGINT, since this thread has forgotten the last one
void forget_interrupt();
int rate_steps();          // SIGUSR1 less SIGUSR2
Status pause(Millis time); // or until an interrupt

struct SslSessionFree {
    void operator()(ssl_session_st* p) const noexcept;
};
using SslSession = std::unique_ptr<ssl_session_st, SslSessionFree>;

class Wire {
  public:
    Wire() = default;
    explicit Wire(UniqueFd fd) : fd_(std::move(fd)) {} // non-blocking
    static Result<Wire> connect(const io::Address& to, Millis patience);
    // Accepts from this peer only; others are sent away and the wait goes on.
    static Result<Wire> accept(int listener, const io::Address& peer, Millis patience);

    // name: whom the certificate has to name, if the context verifies. resume may be nullptr.
    Status start_tls(const std::shared_ptr<io::TlsContext>& context, const std::string& name, ssl_session_st* resume,
                     Millis patience);
    [[nodiscard]] bool encrypted() const { return ssl_ != nullptr; }
    [[nodiscard]] bool resumed() const;
    [[nodiscard]] std::string describe_tls() const; // "TLSv1.3, TLS_AES_256_GCM_SHA384"
    [[nodiscard]] SslSession session() const;       // as it is now: with the newest ticket

    // 0 at the proper end; Errc::closed at any other.
    Result<std::size_t> read(std::span<char> into, Millis patience);
    Status write(std::string_view bytes, Millis patience);
    // No more from us: close_notify, FIN, and the peer's own end is waited for.
    Status finish(Millis patience);
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    Status wait(short events, Instant deadline) const;
    Status wait_for_tls(int result, const char* what, Instant deadline);
    UniqueFd fd_;
    std::shared_ptr<io::TlsContext> context_;
    std::unique_ptr<ssl_st, io::SslFree> ssl_; // ends before its descriptor
};

} // namespace posada::ftp
