// SPDX-License-Identifier: BSD-2-Clause
// What launcher and net program say to each other over the zygote channel (descriptor 3 of the net program; 4 is the
// log socket). The launcher starts with hello; net answers ready, or exits 78 when the tables differ.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/fields.h"
#include "common/io/addr.h"
#include "common/io/tls.h"
#include "common/priv/request.h"
#include "common/priv/sandbox.h"
#include "common/service/endpoint.h"

namespace posada::service {

// per_connection: the zygote forks one process per client (pop3d, ftpd, telnetd). shared: one loop serves all (smtpd).
enum class NetModel : std::uint8_t { per_connection, shared };

// from_launcher -> net unless said otherwise
enum class NetMessage : std::uint16_t {
    hello = 1,      // Hello; descriptors: configuration memfd, certificates memfd, page of the session being served
    ready = 2,      // net: the sandbox is up
    connection = 3, // ConnectionInfo; descriptors: client socket, monitor channel. The first packet of a process's own
                    // channel (see process): the socket alone, the rest of that channel is the monitor's
    ended = 4,      // net (zygote): u64 session, u32 wait status of its process, which a signal has ended
    adopt = 5,      // str name; descriptor: a channel to another service ("queue", "lookup")
    want = 6,       // net: str name: that channel was lost, another please
    kill = 7,       // u64 session: its process breached the table (zygote)
    stop = 8,       // no more connections; finish and exit
    process = 9,    // (zygote) session in the header; descriptor: the channel of a process for it, forked now
};

// What a net program may tell its launcher, by its model; nothing of it is answered. It is a breach to say anything
// else.
constexpr priv::RequestInfo ready_row{
    static_cast<std::uint16_t>(NetMessage::ready), "ready", priv::any_phase, true, 0, 0, 0, {}, "The sandbox is up."};
constexpr priv::RequestInfo zygote_reports[] = {
    ready_row,
    {static_cast<std::uint16_t>(NetMessage::ended),
     "ended",
     priv::any_phase,
     false,
     12,
     0,
     0,
     {},
     "A signal has ended the process of this session."},
};
constexpr priv::RequestInfo shared_reports[] = {
    ready_row,
    {static_cast<std::uint16_t>(NetMessage::want),
     "want",
     priv::any_phase,
     false,
     32,
     0,
     0,
     {},
     "The channel to this service was lost: another, please."},
};

// Both sides are of one version and have the same tables, or the program does not serve: an upgrade may be under way.
struct Hello {
    std::string version = POSADA_VERSION;
    std::uint64_t table_hash = 0;
    std::string hostname;
    priv::SandboxMode sandbox = priv::SandboxMode::enforce;
    bool single = false; // inetd: one connection, no fork
    std::uint32_t sign_timeout_ms = 0;
    FIELDS(version, table_hash, hostname, sandbox, single, sign_timeout_ms)
};

// The configuration memfd.
struct NetConfig {
    std::vector<Listener> listeners;
    std::string options; // as dumped by the daemon's schema
};
std::string encode(const NetConfig& config);
Result<NetConfig> decode_net_config(std::string_view bytes);

// The certificates memfd, without private keys unless nobody signs (signer.h); no certificates = no TLS.
struct NetSecrets {
    std::vector<io::Certificate> certificates;
    std::string ticket_key;
};
std::string encode(const NetSecrets& secrets);
Result<NetSecrets> decode_net_secrets(std::string_view bytes);

struct ConnectionInfo {
    std::uint64_t id = 0;
    std::uint32_t listener = 0;
    io::Address peer;
    io::Address local;
    std::string challenge; // MonitorService::challenge()
};
std::string encode(const ConnectionInfo& info);
Result<ConnectionInfo> decode_connection(std::string_view payload);

} // namespace posada::service
