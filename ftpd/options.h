// SPDX-License-Identifier: BSD-2-Clause
// The [ftpd] section: what may be configured, with its defaults. Times follow RFC 1123 §4.1.3.2 (idle at least five
// minutes); what is unsafe is off.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/service/config/schema.h"

namespace posada::service {
struct SectionInfo;
}

namespace posada::ftpd {

// [[ftpd.passive]]: what clients of these networks are told to connect to. The first that fits counts.
struct PassiveRule {
    std::vector<io::Network> clients;
    std::string address;
};

// [[ftpd.class]]: the first that fits counts. 0: no limit.
struct ClientClass {
    std::string name;
    std::vector<std::string> users;   // empty: all
    std::vector<io::Network> clients; // empty: all
    std::uint32_t max_sessions = 0;
    std::uint32_t max_sessions_per_user = 0;
    std::uint64_t download_rate = 0; // octets in a second
    std::uint64_t upload_rate = 0;
    std::uint64_t quota = 0; // octets of a user's files
    bool write = true;
    std::string top;                  // empty: the user's own directory
    std::vector<std::string> welcome; // lines
};

// [[ftpd.upload]]
struct UploadDirectory {
    std::string path;
    std::vector<std::string> users{"anonymous"};
    std::string mode{"0600"};
    std::string owner; // empty: who sent it
    bool directories = false;
};

enum class PartialUploads : std::uint8_t { keep, remove };

struct FtpOptions {
    std::string banner{"posada FTP server"};
    std::vector<std::string> welcome; // lines
    std::string admin_email;
    std::string transfer_log;
    Millis login_timeout{120'000};
    Millis idle_timeout{300'000};
    Millis data_connect_timeout{60'000};
    Millis data_timeout{300'000};
    Millis agent_timeout{300'000};
    std::uint32_t max_bad_commands_login = 10;
    std::uint32_t max_bad_commands = 100;

    bool write = true;
    std::string umask{"022"};
    bool ascii = true;
    bool sync = false;
    PartialUploads partial_uploads = PartialUploads::keep;
    bool local_time = false;

    std::string anonymous; // its directory; empty: nobody is
    std::vector<ClientClass> classes;
    std::vector<UploadDirectory> upload;

    bool active = true;
    bool active_from_port_20 = false;
    service::NumberRange passive_ports{49'152, 65'535};
    std::vector<PassiveRule> passive;

    bool data_tls_required = false;
    bool tls_session_reuse = true;
    std::vector<io::Network> tls_reuse_exempt;
    std::vector<std::string> tls_reuse_exempt_users;

    static const service::SectionInfo& section();
};

// Of texts that the section's check has let through.
std::uint32_t umask_bits(const std::string& octal);
std::uint32_t mode_bits(const std::string& octal);

} // namespace posada::ftpd
