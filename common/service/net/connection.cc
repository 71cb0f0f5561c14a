// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/net/connection.h"

#include <utility>

#include "common/base/log.h"
#include "common/service/client_address.h"
#include "common/service/net/sign_client.h"

namespace posada::service {

namespace {

// How long a client that does not close may hold a finished connection; below the default of stop_grace.
constexpr Millis linger{2'000};

const char* end_name(io::StreamEnd end) {
    switch (end) {
    case io::StreamEnd::peer_closed: return "closed by client";
    case io::StreamEnd::truncated: return "tls truncated";
    case io::StreamEnd::error: return "error";
    case io::StreamEnd::timeout: return "timeout";
    }
    return "unknown";
}

bool permits(PlaintextAuth policy, const io::Address& peer) {
    switch (policy) {
    case PlaintextAuth::never: return false;
    case PlaintextAuth::loopback: return peer.is_loopback();
    case PlaintextAuth::private_networks: return peer.is_private();
    case PlaintextAuth::any: return true;
    }
    return false;
}

} // namespace

Connection::Connection(NetContext& context, Accepted accepted, unsigned max_fds, std::function<void()> on_finished)
    : context_(context), accepted_(std::move(accepted)), on_finished_(std::move(on_finished)),
      socket_(accepted_.socket.get()), monitor_(context.loop, std::move(accepted_.channel), max_fds,
                                                [this] {
                                                    if (!closing()) stop();
                                                }),
      stream_(context.loop, std::move(accepted_.socket),
              {[this] { handle_input(); }, [this](const Status& status) { handle_tls(status); },
               [this] {
                   context_.serving(accepted_.id);
                   on_drained();
               },
               [this](io::StreamEnd end, const Error& error) { handle_end(end, error); }}),
      began_(context.loop.clock().now()) {}

void Connection::start() {
    context_.serving(accepted_.id);
    if (!io::contains(accepted_.listener.proxy_from, accepted_.peer)) return begin();
    stream_.set_deadline(accepted_.listener.proxy_timeout);
    proxy_header_ = std::make_unique<ProxyHeaderReader>(
        context_.loop, socket_,
        [this](const Result<std::optional<io::Address>>& header) { take_proxy_header(header); });
}

// Who is in proxy_from and sends no header is no client: there is nobody to answer.
void Connection::take_proxy_header(const Result<std::optional<io::Address>>& header) {
    context_.serving(accepted_.id);
    if (!header) {
        log_connect();
        return close("PROXY header: " + header.error().text);
    }
    if (!*header) return begin();
    proxy_ = accepted_.peer.ip();
    accepted_.peer = **header;
    monitor_.ask(accepted_.id, ClientAddress::of(accepted_.peer), [this](const auto& answer) {
        if (closing()) return;
        if (answer) return begin();
        log_connect();
        close("limit");
    });
}

void Connection::log_connect() {
    if (std::exchange(logged_, true)) return;
    std::vector<LogField> fields{{"rip", accepted_.peer.ip()},
                                 {"rport", std::to_string(accepted_.peer.port())},
                                 {"listener", accepted_.listener.name},
                                 {"session", std::to_string(accepted_.id)}};
    if (!proxy_.empty()) fields.push_back({"proxy", proxy_});
    log(event::connect, fields);
}

// The greeting goes first: the record wakes the launcher up, which would run while the client waits.
void Connection::begin() {
    on_peer();
    if (accepted_.listener.tls == TlsMode::implicit) {
        if (!tls_available()) return close("no certificate");
        shake_hands();
    } else {
        greeted_ = true;
        greet();
    }
    stream_.start_reading();
    context_.loop.defer([this] { log_connect(); }); // behind what greet() has put off
}

bool Connection::tls_available() const { return tls_context() != nullptr && accepted_.listener.tls != TlsMode::none; }

std::shared_ptr<io::TlsContext> Connection::tls_context() const {
    const bool legacy = accepted_.listener.tls == TlsMode::legacy;
    return context_.tls(legacy ? io::TlsProfile::legacy : io::TlsProfile::modern);
}

bool Connection::private_enough() const {
    return stream_.tls_active() || permits(accepted_.listener.plaintext_auth, accepted_.peer);
}

void Connection::start_tls() {
    if (!stream_.input().empty()) {
        log(event::tls_injection, {{"rip", accepted_.peer.ip()}, {"session", std::to_string(accepted_.id)}});
        stream_.discard_input();
        return close("bytes behind STARTTLS");
    }
    shake_hands();
}

void Connection::shake_hands() {
    stream_.start_tls_server(tls_context(), sign_through(monitor_, accepted_.id, context_.sign_timeout));
}

void Connection::start_tls_beside(io::Stream& other, std::function<void()> refused) {
    io::SignFunction sign = sign_through(monitor_, accepted_.id, context_.sign_timeout);
    if (refused)
        sign = [refused = std::move(refused)](const io::SignRequest&) -> Result<std::string> {
            refused();
            return Error{Errc::denied, 0, "a TLS session of its own"};
        };
    other.start_tls_server(tls_context(), std::move(sign), io::TlsTickets::none);
}

void Connection::close(std::string reason) {
    if (closing()) return;
    reason_ = reason.empty() ? "closed" : std::move(reason);
    stream_.close_after_flush(linger);
}

void Connection::handle_input() {
    context_.serving(accepted_.id);
    if (!closing()) on_input();
}

void Connection::handle_tls(const Status& status) {
    context_.serving(accepted_.id);
    if (!status) {
        log(event::tls_fail, {{"rip", accepted_.peer.ip()},
                              {"session", std::to_string(accepted_.id)},
                              {"error", status.error().describe()}});
        return close("tls handshake failed");
    }
    const io::TlsInfo info = stream_.tls_info();
    log(event::tls_ok, {{"rip", accepted_.peer.ip()},
                        {"session", std::to_string(accepted_.id)},
                        {"version", info.version},
                        {"cipher", info.cipher},
                        {"resumed", info.resumed ? "yes" : "no"},
                        {"sni", info.server_name}});
    if (greeted_) return on_tls();
    greeted_ = true;
    greet();
}

void Connection::handle_end(io::StreamEnd end, const Error& error) {
    context_.serving(accepted_.id);
    if (end == io::StreamEnd::timeout && !closing()) {
        const bool over = stream_.closing(); // the peer does not even read
        on_timeout();
        if (!over) return; // comes back when the farewell is written
    }
    if (end == io::StreamEnd::peer_closed && !closing() && busy()) {
        input_ended_ = true;
        return;
    }
    log_end(end, error);
    on_end();
    on_finished_();
}

void Connection::log_end(io::StreamEnd end, const Error& error) {
    log_connect(); // unless it has been
    const auto seconds = (context_.loop.clock().now() - began_).count() / 1000;
    std::string reason = closing() ? reason_ : end_name(end);
    if (!closing() && end == io::StreamEnd::error) reason.append(": ").append(error.describe());
    log(event::session_end, {{"rip", accepted_.peer.ip()},
                             {"session", std::to_string(accepted_.id)},
                             {"reason", reason},
                             {"in", std::to_string(stream_.bytes_in())},
                             {"out", std::to_string(stream_.bytes_out())},
                             {"seconds", std::to_string(seconds)}});
}

} // namespace posada::service
