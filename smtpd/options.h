// SPDX-License-Identifier: BSD-2-Clause
// The [smtpd] section: what may be configured for the SMTP server, submission, the queue and the relay.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/io/addr.h"

namespace posada::service {
struct SectionInfo;
}

namespace posada::smtpd {

enum class RouteTls : std::uint8_t { none, opportunistic, required };

// [[smtpd.route]]: mail for domain goes to host:port. "*" = every domain that is not local.
struct Route {
    std::string domain;
    std::string host; // numeric IP
    std::uint16_t port = 25;
    RouteTls tls = RouteTls::opportunistic;
};

// [smtpd.queue]
struct QueueOptions {
    // Wait before the 2nd, 3rd ... attempt; the last one repeats until lifetime ends (RFC 5321 4.5.4.1).
    std::vector<Millis> retry{Millis(60'000),    Millis(300'000),   Millis(900'000),
                              Millis(1'800'000), Millis(3'600'000), Millis(7'200'000)};
    Millis lifetime{5LL * 86'400'000};
    std::uint32_t delivery_concurrency = 20;
    std::uint32_t batch = 100; // messages per transaction and recipients per lease
    Millis quota_recheck{60'000};
};

// A line of message data that ends in LF without CR.
enum class BareLf : std::uint8_t { refuse, repair };

struct SmtpdOptions {
    std::uint64_t max_message_size = 25ULL << 20;
    std::uint64_t max_header_size = 256ULL << 10;
    std::uint32_t max_recipients = 100;
    std::uint32_t max_hops = 100;
    std::uint32_t max_errors = 20;
    std::uint32_t max_idle_commands = 100;
    Millis greeting_delay{0};
    Millis command_timeout{300'000}; // RFC 5321 4.5.3.2.7
    Millis data_timeout{600'000};
    Millis queue_wait{5'000};
    BareLf bare_lf = BareLf::refuse;
    std::vector<io::Network> relay_networks;
    std::string postmaster; // account; empty = an account of this name
    std::uint64_t spool_memory = 64ULL << 20;
    QueueOptions queue;
    std::vector<Route> routes;

    static const service::SectionInfo& section();
};

} // namespace posada::smtpd
