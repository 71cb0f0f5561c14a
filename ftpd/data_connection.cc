// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/data_connection.h"

#include <sys/socket.h>

#include <cerrno>

namespace posada::ftpd {

namespace {
constexpr int backlog = 4;        // others than the client may knock; they are turned away
constexpr Millis in_no_hurry{20}; // the command that wants the connection asks for it; strangers can wait so long
} // namespace

DataConnection::DataConnection(io::Loop& loop, io::Address peer, std::function<void(const io::Address&)> on_stranger)
    : loop_(loop), peer_(peer), on_stranger_(std::move(on_stranger)), watch_later_(loop, [this] { watch(); }),
      timeout_(loop, [this] {
          deliver(Error{Errc::timeout, 0, "no data connection in time"});
      }) {}

void DataConnection::reset() {
    watch_.reset();
    watch_later_.cancel();
    waiting_.reset();
    connected_.reset();
    timeout_.cancel();
    on_ready_ = nullptr;
}

Status DataConnection::listen(UniqueFd bound) {
    reset();
    if (::listen(bound.get(), backlog) != 0) return errno_error("data port");
    waiting_ = std::move(bound);
    watch_later_.start(in_no_hurry);
    return {};
}

void DataConnection::watch() {
    watch_ = std::make_unique<io::Watch>(loop_, waiting_.get(), io::Interest::read, [this](io::Interest) { accept(); });
}

bool DataConnection::connected() {
    if (watch_later_.running()) accept();
    return connected_.valid();
}

void DataConnection::connecting(UniqueFd socket) {
    waiting_ = std::move(socket);
    watch_ = std::make_unique<io::Watch>(loop_, waiting_.get(), io::Interest::write,
                                         [this](io::Interest) { check_connected(); });
}

// Who comes from elsewhere would take the data of our client (RFC 2577 §8): the client is waited for on.
void DataConnection::accept() {
    for (;;) {
        sockaddr_storage at{};
        socklen_t size = sizeof at;
        UniqueFd socket(
            ::accept4(waiting_.get(), reinterpret_cast<sockaddr*>(&at), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket.valid()) return;
        const auto from = io::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&at), size);
        if (from.bytes() == peer_.bytes()) return deliver(std::move(socket));
        on_stranger_(from);
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
    const bool there = connected();
    on_ready_ = std::move(on_ready);
    if (there) return deliver(std::move(connected_));
    if (watch_later_.running()) {
        watch_later_.cancel();
        watch();
    }
    timeout_.start(timeout);
}

void DataConnection::deliver(Result<UniqueFd> result) {
    watch_.reset();
    watch_later_.cancel();
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
