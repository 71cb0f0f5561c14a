// SPDX-License-Identifier: BSD-2-Clause
// Relay: takes leases for other servers' domains from the queue and hands the mail over by the configured routes. A
// connection that is done is kept for a moment: the next lease for the same server needs no new one. When the queue is
// lost, everything is dropped at once: without the final dot no server takes the mail that nobody could record.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/io/loop.h"
#include "common/service/request_client.h"
#include "smtpd/relay_connection.h"

namespace posada::smtpd {

struct RelayConfig {
    std::string hostname;
    std::vector<Route> routes;
    std::uint32_t concurrency = 20;
    std::shared_ptr<io::TlsContext> any_certificate; // for opportunistic routes
    std::shared_ptr<io::TlsContext> verified;        // for routes that require TLS
};

class Relay {
  public:
    Relay(io::Loop& loop, RelayConfig config);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    // A channel with the role relay.
    void connect(UniqueFd queue);
    // No more leases; on_idle when those under way are reported.
    void stop(std::function<void()> on_idle);

  private:
    struct Job;
    struct Link; // a connection and whose it is now
    void ask_for_work();
    void on_lease(std::uint64_t number, Result<priv::Answered<Lease>> answer);
    void start(std::uint64_t number);
    void open(std::uint64_t number, bool without_tls);
    RelayEvents events_of(Link* link);
    void next_message(std::uint64_t number);
    void on_outcome(std::uint64_t number, std::vector<RowResult> results);
    void on_closed(std::uint64_t number, RowResult reason, bool without_tls);
    void report(std::uint64_t number);
    void park(std::shared_ptr<Link> link);
    std::shared_ptr<Link> take_parked(std::size_t route);
    void unpark(Link* link);
    void release(std::shared_ptr<Link> link);
    void lose_everything();
    [[nodiscard]] std::size_t route_of(const std::string& domain) const;

    io::Loop& loop_;
    RelayConfig config_;
    std::unique_ptr<service::RequestClient> queue_;
    std::map<std::uint64_t, std::unique_ptr<Job>> jobs_;
    std::vector<std::shared_ptr<Link>> parked_;
    std::uint64_t last_number_ = 0;
    std::size_t asked_ = 0; // leases asked for or held
    std::function<void()> on_idle_;
    bool stopping_ = false;
};

} // namespace posada::smtpd
