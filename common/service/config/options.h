// SPDX-License-Identifier: BSD-2-Clause
// What the configuration says for the whole suite (CommonOptions) and what every daemon's section may say
// (ServiceOptions). The initialisers are the defaults; the schema tables are in options.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/events.h"
#include "common/io/addr.h"
#include "common/priv/sandbox.h"
#include "common/service/config/schema.h"
#include "common/service/endpoint.h"
#include "common/service/log_transport.h"

namespace posada::service {

struct PathOptions {
    std::string state_dir = "/var/lib/posada";
    std::string run_dir = "/run/posada";
    std::string users_file = "/etc/posada/users";
    std::string mail_root; // empty = state_dir/mail
    [[nodiscard]] std::string mail_directory() const { return mail_root.empty() ? state_dir + "/mail" : mail_root; }
};

struct CertificateFiles {
    std::string chain;
    std::string key;
};

struct TlsOptions {
    std::string chain;
    std::string key;
    bool signer = true; // keys stay in a process of their own (signer.h)
    Millis sign_timeout{5'000};
    std::vector<CertificateFiles> certificates; // more of them, chosen by SNI
    // The default certificate first; empty = no TLS.
    [[nodiscard]] std::vector<CertificateFiles> all() const;
};

struct AuthOptions {
    std::vector<std::string> backends{"users", "pam"};
    bool scram = false;
    bool channel_binding = false; // SCRAM-SHA-256-PLUS too
    std::uint32_t max_attempts = 3;
    Millis deadline{30'000};
    std::uint32_t workers = 0; // 0 = 4 x cores
    std::vector<Millis> delays{Millis(2'000), Millis(4'000), Millis(8'000), Millis(15'000)};
    std::vector<io::Network> exempt;
    NumberRange virtual_uids{70'000, 99'999};
    std::uint32_t first_valid_uid = 1000; // Unix accounts below never log in and get no mail
};

struct LimitConfig {
    std::uint32_t total = 10'000;
    std::uint32_t per_service = 5'000;
    std::uint32_t per_source = 50;
    Millis penalty_start{2'000};
    Millis penalty_max{60'000};
};

struct LogOptions {
    LogTarget target = LogTarget::automatic;
    LogLevel level = LogLevel::info;
};

struct MailOptions {
    std::vector<std::string> domains; // lower case; empty = the host name
};

enum class OverQuota : std::uint8_t { defer, reject };

struct MailboxOptions {
    std::uint64_t quota = 0; // octets; 0 = no limit
    std::uint64_t quota_messages = 0;
    OverQuota over_quota = OverQuota::defer;
};

struct CommonOptions {
    std::uint32_t config_version = 1;
    std::uint32_t uid_base =
        0;                // 0 = accounts _posada-<role>; else uids from here on (identity.h), for root without accounts
    std::string hostname; // never empty after loading: the system's name is filled in
    PathOptions paths;
    TlsOptions tls;
    AuthOptions auth;
    LimitConfig limits;
    LogOptions log;
    MailOptions mail;
    MailboxOptions mailbox;
};

struct ServiceOptions {
    bool enabled = true; // posadad starts it
    priv::SandboxMode sandbox = priv::SandboxMode::enforce;
    bool transcript = false;
    Millis stop_grace{5'000};
    PlaintextAuth plaintext_auth = PlaintextAuth::loopback; // of listeners that do not say
    std::vector<Listener> listen;                           // any entry replaces the built-in list
};

const Schema& common_schema();
const Schema& service_schema();
const Schema& mail_schema();

} // namespace posada::service
