// SPDX-License-Identifier: BSD-2-Clause
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "common/io/stream_impl.h"

namespace posada::io {

namespace {
constexpr std::size_t max_thrown_away = 1024 * 1024; // a peer that goes on sending after our end is cut off here
} // namespace

bool Stream::Impl::may_read() const {
    return reading && life == Life::open && !ended && mode != Mode::tls_wanted && in.size() - in_used < max_input &&
           out.in_memory() + records() <= max_unsent;
}

void Stream::Impl::take_input(std::string_view bytes) {
    if (bytes.empty()) return;
    in.append(bytes);
    total_in += bytes.size();
    if (handler.on_input) handler.on_input();
}

void Stream::Impl::end_of_input(StreamEnd kind, Error error) {
    ended = kind;
    end_error = std::move(error);
}

void Stream::Impl::read_plain() {
    const auto scratch = loop.scratch();
    const std::size_t room = std::min(scratch.size(), max_input - (in.size() - in_used));
    ssize_t n = 0;
    do n = recv(fd.get(), scratch.data(), room, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) return take_input({scratch.data(), static_cast<std::size_t>(n)});
    if (n == 0) return end_of_input(StreamEnd::peer_closed, Error{Errc::closed, 0, "the peer closed the connection"});
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    fail(StreamEnd::error, errno_error("read"));
}

void Stream::Impl::read_tls() {
    const auto scratch = loop.scratch();
    const std::size_t room = std::min(scratch.size(), max_input - (in.size() - in_used));
    std::size_t got = 0;
    const auto step = tls->read(scratch.first(room), &got);
    tls_has_more = step == TlsSession::Step::done; // the room ended first: the rest causes no event
    if (tls_has_more) schedule();
    take_input({scratch.data(), got});
    if (gone()) return;
    switch (step) {
    case TlsSession::Step::done:
    case TlsSession::Step::want_read: return;
    case TlsSession::Step::closed:
        return end_of_input(StreamEnd::peer_closed, Error{Errc::closed, 0, "the peer closed the TLS connection"});
    case TlsSession::Step::truncated:
        out.clear(); // OpenSSL writes nothing after this
        return end_of_input(StreamEnd::truncated, tls->error());
    case TlsSession::Step::failed: break;
    }
    send_records(); // the alert, as far as it goes
    if (!gone()) fail(StreamEnd::error, tls->error());
}

// Consumed bytes go at the end of the turn, so that a view of them survives consume() within a callback.
void Stream::Impl::release_input() {
    constexpr std::size_t keep = 4096; // an idle connection holds no more memory than that
    if (in_used == in.size()) {
        in.clear();
        in_used = 0;
        if (in.capacity() > keep) in.shrink_to_fit();
    } else if (in_used > in.size() / 2) { // each byte moves a bounded number of times
        in.erase(0, in_used);
        in_used = 0;
    }
}

void Stream::Impl::throw_input_away() {
    const auto scratch = loop.scratch();
    ssize_t n = 0;
    do n = recv(fd.get(), scratch.data(), scratch.size(), 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n > 0) thrown_away += static_cast<std::size_t>(n);
    if (n <= 0 || thrown_away > max_thrown_away)
        end_of_input(StreamEnd::peer_closed, Error{Errc::closed, 0, "the peer closed the connection"});
}

} // namespace posada::io
