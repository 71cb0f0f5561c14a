// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/relay_connection.h"

#include <algorithm>
#include <array>

#include "common/io/connect.h"

namespace posada::smtpd {

namespace {

constexpr Millis connect_patience{30'000};
constexpr std::size_t most_pending = 256 * 1024; // output waiting for the network
constexpr std::size_t wrap_lines_at = 998;       // RFC 5321 4.5.3.1.6

const char* end_text(io::StreamEnd end) {
    switch (end) {
    case io::StreamEnd::peer_closed: return "the server closed the connection";
    case io::StreamEnd::truncated: return "the TLS connection was cut off";
    case io::StreamEnd::error: return "network error";
    case io::StreamEnd::timeout: return "the server took too long";
    }
    return "";
}

} // namespace

RelayConnection::RelayConnection(io::Loop& loop, RelayTarget target, RelayOptions options, RelayEvents events)
    : loop_(loop), target_(std::move(target)), session_(std::move(options)), events_(std::move(events)),
      connect_timer_(loop, [this] { failed("no answer to the connection attempt"); }), writer_(wrap_lines_at) {
    connect();
}

RelayConnection::~RelayConnection() { *alive_ = false; }

// Results arrive from the loop, never from inside the constructor.
void RelayConnection::connect() {
    auto socket = io::begin_connect(target_.address);
    if (!socket) {
        loop_.defer([this, why = socket.error().describe(), alive = alive_] {
            if (*alive) failed(why);
        });
        return;
    }
    connecting_ = std::move(*socket);
    connect_watch_ = std::make_unique<io::Watch>(loop_, connecting_.get(), io::Interest::write,
                                                 [this](io::Interest) { connected(); });
    connect_timer_.start(connect_patience);
}

void RelayConnection::connected() {
    connect_timer_.cancel();
    connect_watch_.reset();
    if (const Status reached = io::connect_result(connecting_.get()); !reached)
        return failed(reached.error().describe());
    io::StreamHandler handler;
    handler.on_input = [this] { on_input(); };
    handler.on_tls = [this](const Status& status) { apply(session_.tls_done(status)); };
    handler.on_drained = [this] { send_body(); };
    handler.on_end = [this](io::StreamEnd end, const Error& e) {
        apply(session_.lost(std::string(end_text(end)) + (e.text.empty() ? "" : ": " + e.describe())));
    };
    stream_ = std::make_unique<io::Stream>(loop_, std::move(connecting_), std::move(handler));
    stream_->set_deadline(session_.patience());
    stream_->start_reading();
}

void RelayConnection::failed(std::string why) {
    connect_timer_.cancel();
    connect_watch_.reset();
    connecting_.reset();
    apply(session_.lost(why));
}

void RelayConnection::on_input() {
    const std::string input(stream_->input());
    stream_->consume(input.size());
    apply(session_.bytes(input));
}

void RelayConnection::apply(std::vector<RelayEffect> effects) {
    const std::shared_ptr<bool> alive = alive_;
    for (RelayEffect& effect : effects) {
        apply(effect);
        if (!*alive) return; // an event handler has destroyed us
    }
    if (stream_ && !closed_) stream_->set_deadline(session_.patience());
}

void RelayConnection::apply(RelayEffect& effect) {
    switch (effect.kind) {
    case RelayEffect::Kind::write: return stream_->write(effect.bytes);
    case RelayEffect::Kind::start_tls: return stream_->start_tls_client(target_.tls, target_.host);
    case RelayEffect::Kind::send_body:
        sending_ = true;
        writer_ = proto::DotWriter(wrap_lines_at);
        return send_body();
    case RelayEffect::Kind::end_body: return end_body();
    case RelayEffect::Kind::outcome: return events_.on_outcome(std::move(effect.results));
    case RelayEffect::Kind::ready: return events_.on_ready();
    case RelayEffect::Kind::close:
        closed_ = true;
        return events_.on_closed(std::move(effect.reason), effect.without_tls);
    }
}

void RelayConnection::begin(RelayMessage message, int body, std::uint64_t offset) {
    body_ = body;
    at_ = offset;
    end_ = offset + message.size;
    apply(session_.begin(std::move(message)));
}

void RelayConnection::quit() { apply(session_.quit()); }

void RelayConnection::send_body() {
    if (!sending_ || closed_) return;
    std::array<char, 64 * 1024> buffer;
    std::string out;
    while (at_ < end_ && stream_->pending_output() < most_pending) {
        const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end_ - at_));
        if (!read_range(body_, at_, buffer.data(), want))
            return apply(session_.lost("the spool's copy cannot be read"));
        at_ += want;
        out.clear();
        writer_.write({buffer.data(), want}, out);
        stream_->write(out);
    }
    stream_->set_deadline(session_.patience());
    if (at_ < end_) return; // on_drained comes
    sending_ = false;
    apply(session_.body_sent());
}

void RelayConnection::end_body() {
    std::string out;
    writer_.finish(out);
    stream_->write(out);
}

} // namespace posada::smtpd
