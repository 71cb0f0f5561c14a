// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/connect.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace posada::io {
namespace {

// What a mail queue does with it: try again later.
Error connect_error(int sys) {
    const bool away = sys == ECONNREFUSED || sys == ENETUNREACH || sys == EHOSTUNREACH || sys == ENETDOWN ||
                      sys == EHOSTDOWN || sys == EADDRNOTAVAIL || sys == EAFNOSUPPORT;
    if (sys == ETIMEDOUT) return Error{Errc::timeout, sys, "connect"};
    if (away) return Error{Errc::unavailable, sys, "connect"};
    return errno_error("connect", sys);
}

} // namespace

Connecting::Connecting(Loop& loop, std::vector<Address> addresses, Millis each, Handler handler, const Address& source)
    : loop_(loop), addresses_(std::move(addresses)), each_(each), handler_(std::move(handler)), source_(source),
      timer_(loop,
             [this] {
                 attempt_failed(Error{Errc::timeout, ETIMEDOUT, "connect"});
             }),
      next_(loop, [this] { try_next(); }) {
    next_.schedule(); // never calls back from inside the constructor
}

Connecting::~Connecting() = default;

void Connecting::try_next() {
    if (addresses_.empty()) return finish(Error{Errc::invalid, 0, "no address to connect to"});
    const auto started = start(addresses_[at_]);
    if (!started) attempt_failed(started.error());
}

Status Connecting::start(const Address& to) {
    socket_.reset(socket(to.sa()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_.valid()) return errno_error("socket");
    const bool bound = source_.valid() && source_.is_ipv6() == to.is_ipv6();
    if (bound && bind(socket_.get(), source_.sa(), source_.size()) != 0) return errno_error("bind " + source_.ip());
    // An interrupted connect goes on by itself, as one in progress does.
    if (connect(socket_.get(), to.sa(), to.size()) != 0 && errno != EINPROGRESS && errno != EINTR)
        return connect_error(errno);
    watch_ = std::make_unique<Watch>(loop_, socket_.get(), Interest::write, [this](Interest) { on_writable(); });
    timer_.start(each_);
    return {};
}

void Connecting::on_writable() {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return attempt_failed(connect_error(error));
    watch_.reset();
    timer_.cancel();
    finish(Connected{std::move(socket_), addresses_[at_]});
}

void Connecting::attempt_failed(const Error& error) {
    watch_.reset();
    timer_.cancel();
    socket_.reset();
    failures_ += (failures_.empty() ? "" : "; ") + addresses_[at_].text() + ": " + std::strerror(error.sys);
    if (++at_ < addresses_.size()) return next_.schedule();
    finish(Error{error.code, error.sys, failures_});
}

void Connecting::finish(Result<Connected> result) {
    const auto handler = std::move(handler_); // it may destroy this object
    handler(std::move(result));
}

} // namespace posada::io
