// SPDX-License-Identifier: BSD-2-Clause
#include "common/io/stream_impl.h"

namespace posada::io {

void Stream::Impl::want_tls(std::shared_ptr<TlsContext> with, bool as_server, std::string name,
                            SignFunction sign_with) {
    if (mode != Mode::plain || life != Life::open) return;
    context = std::move(with);
    is_server = as_server;
    server_name = std::move(name);
    sign = std::move(sign_with);
    mode = Mode::tls_wanted;
    plain_tail = std::move(out);
    out = OutputQueue();
    schedule();
}

void Stream::Impl::begin_handshake() {
    mode = Mode::handshake;
    if (in.size() != in_used)
        return fail_handshake(StreamEnd::error, Error{Errc::protocol, 0, "input before the TLS handshake"});
    if (!context) return fail_handshake(StreamEnd::error, Error{Errc::unavailable, 0, "no TLS context"});
    auto made = is_server ? TlsSession::make_server(context, fd.get(), std::move(sign))
                          : TlsSession::make_client(context, fd.get(), server_name);
    if (!made) return fail_handshake(StreamEnd::error, made.error());
    tls = std::move(*made);
    if (tickets == TlsTickets::none) tls->send_no_tickets();
    if (!is_server) step_handshake(); // the client speaks first
}

void Stream::Impl::step_handshake() {
    const auto step = tls->handshake();
    if (step == TlsSession::Step::want_read) return;
    if (step == TlsSession::Step::done) {
        mode = Mode::tls;
        tls_has_more = true; // the peer's first bytes may have come with the end of its handshake
        if (handler.on_tls) handler.on_tls({});
        return;
    }
    if (step == TlsSession::Step::failed) return fail_handshake(StreamEnd::error, tls->error());
    fail_handshake(StreamEnd::peer_closed, Error{Errc::closed, 0, "the peer left during the TLS handshake"});
}

void Stream::Impl::fail_handshake(StreamEnd kind, Error error) { // by value: it may live in what the owner destroys
    if (tls) send_records(); // the alert tells the peer why; if it does not fit, the peer sees the end of file
    if (gone()) return;
    if (handler.on_tls) handler.on_tls(error);
    if (!gone()) fail(kind, std::move(error));
}

} // namespace posada::io
