// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/stream.h"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

#include "common/io/stream_impl.h"

namespace posada::io {

namespace {
constexpr std::uint64_t least_progress = 1024; // bytes confirmed within one deadline
} // namespace

Stream::Impl::Impl(Loop& l, UniqueFd s, StreamHandler h)
    : loop(l), fd(std::move(s)), handler(std::move(h)),
      watch(l, fd.get(), Interest::none, [this](Interest ready) { turn(ready); }),
      task(l, [this] { turn(Interest::none); }), deadline(l, [this] { on_deadline(); }) {
    // A descriptor that cannot be made non-blocking is not one; the first read will say so.
    (void)set_nonblocking(fd.get(), true);
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // fails on a unix socket, where nothing delays
}

void Stream::Impl::detach() {
    detached = true;
    watch.set(Interest::none);
    deadline.cancel();
    tls.reset();
    fd.reset();
}

void Stream::Impl::turn(Interest ready) {
    const auto self = shared_from_this(); // the owner may let go in any callback
    if (gone()) return;
    const bool readable = ready == Interest::read;
    if (readable && tls) tls->readable();
    if (ready == Interest::write) write_blocked = false;
    advance(readable);
    if (detached) return;
    release_input();
    update_interest();
}

// Input first: it usually produces output, which then leaves in this same turn if the owner wrote it at once.
void Stream::Impl::advance(bool readable) {
    if (mode == Mode::handshake && (readable || tls_has_more)) step_handshake();
    if (gone()) return;
    if (life == Life::lingering && readable)
        throw_input_away();
    else if (mode == Mode::plain && readable && may_read())
        read_plain();
    else if (mode == Mode::tls && (readable || tls_has_more) && may_read())
        read_tls();
    if (gone()) return;
    flush();
    if (gone()) return;
    report_drained();
    if (gone()) return;
    deliver_end_of_input();
    if (!gone()) advance_close();
}

void Stream::Impl::update_interest() {
    if (life == Life::over) return watch.set(Interest::none);
    const bool wants_input = mode == Mode::handshake || life == Life::lingering || may_read();
    const bool read = wants_input && !ended;
    if (write_blocked) return watch.set(read ? Interest::both : Interest::write);
    watch.set(read ? Interest::read : Interest::none);
}

void Stream::Impl::set_deadline(Millis from_now) {
    deadline_length = from_now;
    acknowledged_then = acknowledged();
    deadline.start(from_now);
}

// What the peer's kernel has confirmed: progress that is visible even while a full socket buffer drains slowly.
std::uint64_t Stream::Impl::acknowledged() const {
    int unconfirmed = 0;
    if (ioctl(fd.get(), TIOCOUTQ, &unconfirmed) != 0) unconfirmed = 0;
    return wire_out - std::min(wire_out, static_cast<std::uint64_t>(unconfirmed));
}

void Stream::Impl::on_deadline() {
    const auto self = shared_from_this();
    if (gone()) return;
    if (pending() != 0 && mode != Mode::handshake && acknowledged() >= acknowledged_then + least_progress)
        return set_deadline(deadline_length);
    if (life == Life::lingering) {
        fail(StreamEnd::peer_closed, Error{Errc::closed, 0, "the peer did not close its side"});
    } else if (mode == Mode::handshake) {
        fail_handshake(StreamEnd::timeout, Error{Errc::timeout, 0, "the TLS handshake took too long"});
    } else if (life == Life::open && pending() == 0) {
        reading = false; // what comes now comes too late
        if (handler.on_end) handler.on_end(StreamEnd::timeout, Error{Errc::timeout, 0, "deadline passed"});
    } else {
        fail(StreamEnd::timeout, Error{Errc::timeout, 0, "deadline passed"});
    }
    if (!detached) update_interest();
}

void Stream::Impl::fail(StreamEnd kind, Error error) { // by value: it may live in what the owner destroys
    life = Life::over;
    out.clear();
    plain_tail.clear();
    deadline.cancel();
    if (handler.on_end) handler.on_end(kind, error);
}

// After the output: the answers to a client's last commands leave before its owner hears that it has gone.
void Stream::Impl::deliver_end_of_input() {
    if (!ended || end_told || life != Life::open || pending() != 0) return;
    if (*ended != StreamEnd::peer_closed) return fail(*ended, end_error);
    end_told = true;
    if (handler.on_end) handler.on_end(StreamEnd::peer_closed, Error(end_error));
}

// Once everything queued has left: close_notify, half-close, and wait for the peer, because closing a socket with
// unread input would reset the connection and could destroy what is still on its way.
void Stream::Impl::advance_close() {
    if (life == Life::flushing && pending() == 0 && mode != Mode::tls_wanted && mode != Mode::handshake) {
        if (mode == Mode::tls && !notified) {
            notified = true;
            tls->close_notify();
            flush();
            if (gone() || pending() != 0) return; // comes here again when it has left
        }
        shutdown(fd.get(), SHUT_WR);
        life = Life::lingering;
    }
    if (life == Life::lingering && ended) fail(StreamEnd::peer_closed, end_error);
}

void Stream::Impl::report_drained() {
    if (!above_low_water || pending() > low_water) return;
    above_low_water = false;
    if (handler.on_drained) handler.on_drained();
}

std::size_t Stream::Impl::records() const { return tls ? tls->outgoing().size() - records_sent : 0; }

std::size_t Stream::Impl::pending() const {
    return static_cast<std::size_t>(out.size() + plain_tail.size()) + records();
}

Stream::Stream(Loop& loop, UniqueFd socket, StreamHandler handler)
    : impl_(std::make_shared<Impl>(loop, std::move(socket), std::move(handler))) {}

Stream::~Stream() { impl_->detach(); }

void Stream::start_reading() {
    impl_->reading = true;
    impl_->schedule();
}

void Stream::stop_reading() {
    impl_->reading = false;
    impl_->schedule();
}

std::string_view Stream::input() const { return std::string_view(impl_->in).substr(impl_->in_used); }

void Stream::consume(std::size_t n) {
    impl_->in_used = std::min(impl_->in_used + n, impl_->in.size());
    impl_->schedule();
}

void Stream::discard_input() {
    impl_->in_used = impl_->in.size();
    impl_->schedule();
}

void Stream::set_max_input(std::size_t bytes) {
    impl_->max_input = bytes;
    impl_->schedule();
}

void Stream::write(std::string_view bytes) {
    if (bytes.empty() || impl_->life != Impl::Life::open) return;
    impl_->out.add(bytes);
    impl_->above_low_water = impl_->above_low_water || pending_output() > impl_->low_water;
    impl_->schedule();
}

void Stream::write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length) {
    if (impl_->life != Impl::Life::open) return;
    auto added = impl_->out.add_file(std::move(file), offset, length);
    if (!added && !impl_->broken_output) impl_->broken_output = added.error();
    impl_->above_low_water = impl_->above_low_water || pending_output() > impl_->low_water;
    impl_->schedule();
}

std::size_t Stream::pending_output() const { return impl_->pending(); }
void Stream::set_low_water(std::size_t bytes) { impl_->low_water = bytes; }

void Stream::set_max_unsent(std::size_t bytes) {
    impl_->max_unsent = bytes;
    impl_->schedule();
}

void Stream::start_tls_server(std::shared_ptr<TlsContext> context, SignFunction sign, TlsTickets tickets) {
    impl_->tickets = tickets;
    impl_->want_tls(std::move(context), true, {}, std::move(sign));
}

void Stream::start_tls_client(std::shared_ptr<TlsContext> context, std::string server_name) {
    impl_->want_tls(std::move(context), false, std::move(server_name));
}

void Stream::send_tls_ticket() {
    if (tls_active()) impl_->tls->send_ticket();
}

bool Stream::tls_active() const { return impl_->mode == Impl::Mode::tls; }
TlsInfo Stream::tls_info() const { return impl_->tls ? impl_->tls->info() : TlsInfo(); }
std::string Stream::tls_exporter() const { return impl_->tls ? impl_->tls->exporter() : std::string(); }

void Stream::set_deadline(Millis from_now) {
    if (impl_->life != Impl::Life::open) return;
    if (from_now.count() <= 0)
        impl_->deadline.cancel();
    else
        impl_->set_deadline(from_now);
}

void Stream::close_after_flush(Millis linger) {
    if (impl_->life != Impl::Life::open) return;
    impl_->life = Impl::Life::flushing;
    impl_->set_deadline(linger);
    impl_->schedule();
}

bool Stream::closing() const { return impl_->life != Impl::Life::open; }
std::uint64_t Stream::bytes_in() const { return impl_->total_in; }
std::uint64_t Stream::bytes_out() const { return impl_->total_out; }

} // namespace posada::io
