// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/data_connection.h"

#include <sys/socket.h>

#include <cerrno>

namespace posada::ftpd {

DataConnection::DataConnection(io::Loop& loop, io::Address peer, std::function<void(const io::Address&)> on_stranger)
    : loop_(loop), peer_(peer), on_stranger_(std::move(on_stranger)), timeout_(loop, [this] {
          deliver(Error{Errc::timeout, 0, "no data connection in time"});
      }) {}

void DataConnection::reset() {
    watch_.reset();
    waiting_.reset();
    connected_.reset();
    timeout_.cancel();
    on_ready_ = nullptr;
}

void DataConnection::listen(UniqueFd listening) {
    reset();
    waiting_ = std::move(listening);
    watch_ = std::make_unique<io::Watch>(loop_, waiting_.get(), io::Interest::read, [this](io::Interest) { accept(); });
}

void DataConnection::connecting(UniqueFd socket) {
    waiting_ = std::move(socket);
    watch_ = std::make_unique<io::Watch>(loop_, waiting_.get(), io::Interest::write,
                                         [this](io::Interest) { check_connected(); });
}

// Who comes from elsewhere would take the data of our client (RFC 2577 §8): the client is waited for on.
void DataConnection::accept() {
    for (;;) {
        UniqueFd socket(::accept4(waiting_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket.valid()) return;
        const auto from = io::Address::of_peer(socket.get());
        if (from && from->bytes() == peer_.bytes()) return deliver(std::move(socket));
        if (from) on_stranger_(*from);
    }
}

void DataConnection::check_connected() {
    int why = 0;
    socklen_t size = sizeof why;
    if (::getsockopt(waiting_.get(), SOL_SOCKET, SO_ERROR, &why, &size) != 0) why = errno;
    if (why != 0) return deliver(errno_error("data connection", why));
    watch_.reset();
    deliver(std::move(waiting_));
}

void DataConnection::take(Millis timeout, OnReady on_ready) {
    on_ready_ = std::move(on_ready);
    if (connected_.valid()) return deliver(std::move(connected_));
    timeout_.start(timeout);
}

void DataConnection::deliver(Result<UniqueFd> result) {
    watch_.reset();
    waiting_.reset();
    timeout_.cancel();
    if (!on_ready_) {
        if (result) connected_ = std::move(*result);
        return;
    }
    const OnReady on_ready = std::move(on_ready_);
    on_ready_ = nullptr;
    on_ready(std::move(result));
}

} // namespace posada::ftpd
