// SPDX-License-Identifier: BSD-2-Clause
// RelayConnection: one TCP connection to another server: connects, drives a RelaySession, streams bodies from a
// descriptor with back-pressure. Destroying it aborts: nothing more leaves, no final dot either.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/fd.h"
#include "common/io/addr.h"
#include "common/io/loop.h"
#include "common/io/stream.h"
#include "common/proto/dot.h"
#include "smtpd/relay_session.h"

namespace posada::smtpd {

struct RelayTarget {
    io::Address address;
    std::string host;                    // as the route names it: what a certificate must be for
    std::shared_ptr<io::TlsContext> tls; // nullptr: no TLS here
};

struct RelayEvents {
    std::function<void()> on_ready; // begin() or quit()
    std::function<void(std::vector<RowResult>)> on_outcome;
    // The last event. reason: for rows that have no outcome.
    std::function<void(RowResult reason, bool without_tls)> on_closed;
};

class RelayConnection {
  public:
    RelayConnection(io::Loop& loop, RelayTarget target, RelayOptions options, RelayEvents events);
    ~RelayConnection();
    RelayConnection(const RelayConnection&) = delete;
    RelayConnection& operator=(const RelayConnection&) = delete;

    // body: borrowed until the message's outcome.
    void begin(RelayMessage message, int body, std::uint64_t offset);
    void quit();
    [[nodiscard]] bool tls_active() const { return stream_ && stream_->tls_active(); }
    [[nodiscard]] bool idle() const { return session_.idle() && stream_ != nullptr; }

  private:
    void connect();
    void connected();
    void failed(std::string why);
    void apply(std::vector<RelayEffect> effects);
    void apply(RelayEffect& effect);
    void on_input();
    void send_body();
    void end_body();

    io::Loop& loop_;
    RelayTarget target_;
    RelaySession session_;
    RelayEvents events_;
    UniqueFd connecting_;
    std::unique_ptr<io::Watch> connect_watch_;
    io::Timer connect_timer_;
    std::unique_ptr<io::Stream> stream_;
    proto::DotWriter writer_;
    int body_ = -1;
    std::uint64_t at_ = 0;
    std::uint64_t end_ = 0;
    bool sending_ = false;
    bool closed_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace posada::smtpd
