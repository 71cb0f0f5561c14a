// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/wire.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>

#include "common/io/connect.h"

namespace posada::ftp {

// How long after ^C a wait notices: the flag may be set between its check and poll(2).
constexpr Millis longest_poll{200};

// One ^C stops what every thread is doing: each has its own count of those it knows of.
static std::atomic<unsigned> interrupts{0};
static_assert(std::atomic<unsigned>::is_always_lock_free); // in a signal handler
static std::atomic<int> steps{0};
static thread_local unsigned interrupts_seen = 0;
extern "C" {
static void on_interrupt(int) { interrupts.fetch_add(1, std::memory_order_relaxed); }
static void on_step(int number) { steps.fetch_add(number == SIGUSR1 ? 1 : -1, std::memory_order_relaxed); }
}

void catch_interrupts() {
    struct sigaction action {};
    action.sa_handler = on_interrupt; // without SA_RESTART: poll(2) returns
    ::sigaction(SIGINT, &action, nullptr);
    action.sa_handler = on_step;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR1, &action, nullptr);
    ::sigaction(SIGUSR2, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}
bool interrupted() { return interrupts.load(std::memory_order_relaxed) != interrupts_seen; }
void forget_interrupt() { interrupts_seen = interrupts.load(std::memory_order_relaxed); }

int rate_steps() { return steps.load(std::memory_order_relaxed); }

void SslSessionFree::operator()(ssl_session_st* p) const noexcept { SSL_SESSION_free(p); }

static Instant deadline_in(Millis patience) { return SystemClock().now() + patience; }

static Status wait_on(int fd, short events, Instant deadline) {
    for (;;) {
        if (interrupted()) return Error{Errc::closed, EINTR, "stopped"};
        const Millis left = deadline - SystemClock().now();
        if (left <= Millis(0)) return Error{Errc::timeout, 0, "nothing came for too long"};
        pollfd one{fd, events, 0};
        const int ready = ::poll(&one, 1, static_cast<int>(std::min(left, longest_poll).count()));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return errno_error("poll");
    }
}

Status pause(Millis time) {
    const Instant end = deadline_in(time);
    for (;;) {
        const Millis left = end - SystemClock().now();
        if (interrupted()) return Error{Errc::closed, EINTR, "stopped"};
        if (left <= Millis(0)) return {};
        (void)::poll(nullptr, 0, static_cast<int>(std::min(left, longest_poll).count()));
    }
}

Status Wire::wait(short events, Instant deadline) const { return wait_on(fd_.get(), events, deadline); }

Result<Wire> Wire::connect(const io::Address& to, Millis patience) {
    auto fd = io::begin_connect(to);
    if (!fd) return fd.error();
    RETURN_IF_ERROR(wait_on(fd->get(), POLLOUT, deadline_in(patience)));
    RETURN_IF_ERROR(io::connect_result(fd->get()));
    return Wire(std::move(*fd));
}

Result<Wire> Wire::accept(int listener, const io::Address& peer, Millis patience) {
    const Instant deadline = deadline_in(patience);
    for (;;) {
        RETURN_IF_ERROR(wait_on(listener, POLLIN, deadline));
        UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd.valid()) continue; // gone again
        const auto from = io::Address::of_peer(fd.get());
        if (from && from->ip() == peer.ip()) return Wire(std::move(fd));
    }
}

static Status expect_name(ssl_st* ssl, const std::string& name) {
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
    if (io::Address::parse(name, 0)) {
        if (X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1) return {};
        return Error{Errc::invalid, 0, name + " cannot be checked"};
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 && SSL_set1_host(ssl, name.c_str()) == 1) return {};
    return Error{Errc::invalid, 0, name + " is no name of a host"};
}

// Why OpenSSL did not do it, when it was not for want of octets.
static Error tls_failure(const ssl_st* ssl, int why, const char* what) {
    const int sys = errno;
    const unsigned long cause = ERR_peek_error();
    if (why == SSL_ERROR_ZERO_RETURN) return Error{Errc::closed, 0, "the server ended the connection"};
    if (cause != 0 && ERR_GET_REASON(cause) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        ERR_clear_error();
        return Error{Errc::closed, 0, "the connection was cut: it ended without TLS's close_notify"};
    }
    if (cause == 0) return errno_error(what, sys == 0 ? ECONNRESET : sys);
    const long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK && !SSL_is_init_finished(ssl)) {
        ERR_clear_error();
        return Error{Errc::denied, 0,
                     std::string("the server's certificate: ") + X509_verify_cert_error_string(verdict)};
    }
    return Error{Errc::protocol, 0, std::string(what) + ": " + io::tls_error_text()};
}

Status Wire::wait_for_tls(int result, const char* what, Instant deadline) {
    const int why = SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_WANT_READ) return wait(POLLIN, deadline);
    if (why == SSL_ERROR_WANT_WRITE) return wait(POLLOUT, deadline);
    return tls_failure(ssl_.get(), why, what);
}

Status Wire::start_tls(const std::shared_ptr<io::TlsContext>& context, const std::string& name, ssl_session_st* resume,
                       Millis patience) {
    context_ = context;
    ssl_.reset(SSL_new(context->get()));
    if (ssl_ == nullptr || SSL_set_fd(ssl_.get(), fd_.get()) != 1)
        return Error{Errc::io, 0, "TLS: " + io::tls_error_text()};
    RETURN_IF_ERROR(expect_name(ssl_.get(), name));
    if (resume != nullptr) SSL_set_session(ssl_.get(), resume);
    const Instant deadline = deadline_in(patience);
    for (;;) {
        ERR_clear_error();
        const int done = SSL_connect(ssl_.get());
        if (done == 1) return {};
        RETURN_IF_ERROR(wait_for_tls(done, "TLS handshake", deadline));
    }
}

bool Wire::resumed() const { return ssl_ && SSL_session_reused(ssl_.get()) == 1; }

std::string Wire::describe_tls() const {
    return std::string(SSL_get_version(ssl_.get())) + ", " + SSL_get_cipher_name(ssl_.get());
}

SslSession Wire::session() const { return SslSession(ssl_ ? SSL_get1_session(ssl_.get()) : nullptr); }

Result<std::size_t> Wire::read(std::span<char> into, Millis patience) {
    const Instant deadline = deadline_in(patience);
    while (!ssl_) {
        const ssize_t got = ::recv(fd_.get(), into.data(), into.size(), 0);
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno == ECONNRESET) return Error{Errc::closed, errno, "the connection was cut"};
        if (errno != EAGAIN && errno != EINTR) return errno_error("receive");
        RETURN_IF_ERROR(wait(POLLIN, deadline));
    }
    for (;;) {
        ERR_clear_error();
        std::size_t got = 0;
        const int done = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
        if (done == 1) return got;
        if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
        RETURN_IF_ERROR(wait_for_tls(done, "receive", deadline));
    }
}

Status Wire::write(std::string_view bytes, Millis patience) {
    Instant deadline = deadline_in(patience);
    while (!bytes.empty()) {
        std::size_t put = 0;
        if (ssl_) {
            ERR_clear_error();
            const int done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &put);
            if (done != 1) {
                RETURN_IF_ERROR(wait_for_tls(done, "send", deadline));
                continue;
            }
        } else if (const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); sent >= 0) {
            put = static_cast<std::size_t>(sent);
        } else if (errno == EAGAIN || errno == EINTR) {
            RETURN_IF_ERROR(wait(POLLOUT, deadline));
        } else {
            return Error{Errc::closed, errno, "send"};
        }
        bytes.remove_prefix(put);
        if (put != 0) deadline = deadline_in(patience);
    }
    return {};
}

Status Wire::finish(Millis patience) {
    if (ssl_) {
        ERR_clear_error();
        (void)SSL_shutdown(ssl_.get()); // non-blocking: what the socket does not take the peer will miss, and say so
    }
    ::shutdown(fd_.get(), SHUT_WR);
    // Closed over octets that nobody read, a connection is reset, and with it what the server has not read yet: tickets
    // of TLS 1.3 come late.
    std::array<char, 4096> rest{};
    for (;;) {
        const auto got = read(rest, patience);
        if (!got && (got.error().code == Errc::timeout || got.error().sys == EINTR)) return got.error();
        if (!got || *got == 0) return {};
    }
}

} // namespace posada::ftp
