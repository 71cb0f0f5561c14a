// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/direct_mover.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace posada::ftpd {

namespace {

constexpr std::uint64_t turn_budget = 4 * 1024 * 1024; // then the control connection is looked at
constexpr std::uint64_t piece = 1024 * 1024;
constexpr std::size_t small_file = 16 * 1024; // a copy is cheaper than pages that change hands
constexpr std::size_t large_buffer = 256 * 1024;

bool try_later() { return errno == EAGAIN || errno == EWOULDBLOCK; }

} // namespace

TransferEnd end_of_error(const Error& error) {
    if (error.code == Errc::no_space || error.code == Errc::limit) return TransferEnd::no_space;
    return TransferEnd::unwritable;
}

DirectMover::DirectMover(io::Loop& loop, UniqueFd socket, int file, Way way, std::uint64_t offset, std::uint64_t size,
                         std::function<void(TransferEnd)> on_end)
    : loop_(loop), socket_(std::move(socket)), file_(file), way_(way), offset_(offset), size_(size),
      on_end_(std::move(on_end)), more_(loop, [this] { turn(); }) {
    if (way_ == Way::send)
        more_.schedule();
    else
        wait();
}

void DirectMover::wait() {
    const io::Interest interest = way_ == Way::send ? io::Interest::write : io::Interest::read;
    if (!watch_) watch_ = std::make_unique<io::Watch>(loop_, socket_.get(), interest, [this](io::Interest) { turn(); });
    watch_->set(interest);
}

void DirectMover::turn() {
    for (const std::uint64_t before = octets_; octets_ - before < turn_budget;) {
        const Step step = way_ == Way::send ? send() : receive();
        if (step == Step::blocked) return wait();
        if (step == Step::ended) return on_end_(how_);
    }
    if (watch_) watch_->set(io::Interest::none);
    more_.schedule();
}

DirectMover::Step DirectMover::end(TransferEnd how) {
    how_ = how;
    watch_.reset();
    if (way_ == Way::receive) socket_.reset(); // there is nothing more to say or to hear
    return Step::ended;
}

DirectMover::Step DirectMover::failed(TransferEnd how) {
    if (errno == EINTR) return Step::moved;
    return try_later() ? Step::blocked : end(how);
}

DirectMover::Step DirectMover::send() {
    if (offset_ >= size_) {
        ::shutdown(socket_.get(), SHUT_WR);
        return end(TransferEnd::complete);
    }
    const std::uint64_t left = size_ - offset_;
    if (left <= small_file && octets_ == 0) return send_small(static_cast<std::size_t>(left));
    auto offset = static_cast<off_t>(offset_);
    const ssize_t n = ::sendfile(socket_.get(), file_, &offset, static_cast<std::size_t>(std::min(left, piece)));
    if (n == 0) return end(TransferEnd::unreadable); // it has become shorter
    if (n < 0) return failed(errno == EIO ? TransferEnd::unreadable : TransferEnd::broken);
    offset_ += static_cast<std::uint64_t>(n);
    octets_ += static_cast<std::uint64_t>(n);
    return Step::moved;
}

// The end of the connection leaves with the octets (MSG_MORE): one segment.
DirectMover::Step DirectMover::send_small(std::size_t left) {
    const auto scratch = loop_.scratch();
    if (!read_range(file_, offset_, scratch.data(), left)) return end(TransferEnd::unreadable);
    const ssize_t n = ::send(socket_.get(), scratch.data(), left, MSG_NOSIGNAL | MSG_MORE);
    if (n < 0) return failed(TransferEnd::broken);
    offset_ += static_cast<std::uint64_t>(n);
    octets_ += static_cast<std::uint64_t>(n);
    return Step::moved;
}

DirectMover::Step DirectMover::receive() {
    const std::span<char> buffer = large_ ? std::span(large_.get(), large_buffer) : loop_.scratch();
    const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (n == 0) return end(TransferEnd::complete);
    if (n < 0) return failed(TransferEnd::broken);
    const auto size = static_cast<std::size_t>(n);
    if (const Status stored = write_all(file_, {buffer.data(), size}); !stored)
        return end(end_of_error(stored.error()));
    octets_ += size;
    if (size == buffer.size() && !large_) large_ = std::make_unique_for_overwrite<char[]>(large_buffer);
    return Step::moved;
}

} // namespace posada::ftpd
