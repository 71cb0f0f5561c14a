// SPDX-License-Identifier: BSD-2-Clause
// `posada demo`: the parts. demo_command.cc runs them in order; demo_files.cc makes the directory; demo_ports.cc finds
// ports; demo_text.cc prints what a newcomer can paste; demo_endpoints.cc writes endpoints.json; demo_process.cc runs
// posadad.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/fd.h"
#include "common/base/result.h"

namespace posada::ctl {

struct DemoOptions {
    std::string dir;                  // empty = a temporary one
    std::uint16_t base_port = 10'000; // 0 = any free port
    bool keep = false;
    bool classroom = false;
    int ready_fd = -1;
};

enum class DemoTls : std::uint8_t { none, starttls, implicit };

// One listener of the demo; the rows are in demo_ports.cc.
struct DemoService {
    std::string_view name;    // key in endpoints.json, and the listener's name
    std::string_view section; // "smtpd"
    std::uint16_t standard_port;
    DemoTls tls;
    bool auth;                 // smtpd only
    std::string_view greeting; // how the server's first line starts
    std::uint16_t port = 0;    // chosen
};
std::string_view tls_word(DemoTls tls);

struct DemoUser {
    std::string name;
    std::string password;
};

inline constexpr std::string_view demo_domain = "micasa.test";
inline constexpr std::string_view demo_host = "127.0.0.1";
inline constexpr uid_t demo_uid_base = 61'184; // dynamic users of systemd: no account has them
inline constexpr uid_t demo_user_uids = 70'000;

struct Demo {
    DemoOptions options;
    std::string dir; // absolute
    bool dir_is_temporary = false;
    bool dir_was_made = false;
    // Where run/, state/ and mail/ are: dir, or a temporary directory when dir is too long for a socket's name or other
    // users cannot come to it (as root, mailboxes belong to uids of their own).
    std::string data_dir;
    std::vector<DemoService> services;
    std::vector<DemoUser> users;
    [[nodiscard]] std::string run_dir() const { return data_dir + "/run"; }
    [[nodiscard]] std::string mail_root() const { return data_dir + "/mail"; }
    [[nodiscard]] std::string ftp_root() const { return data_dir + "/state/ftp"; } // a directory for each user
    [[nodiscard]] std::string path(std::string_view name) const { return dir + "/" + std::string(name); }
    [[nodiscard]] const DemoService& service(std::string_view name) const;
};

// demo_ports.cc
Status choose_ports(Demo& demo);
// Connects to every service and reads its greeting (a handshake's first byte, for implicit TLS the connection itself).
Status check_services(const Demo& demo);

// demo_files.cc: directory, certificates, users, posada.toml. What is there already from an earlier run is used again.
Status make_demo_files(Demo& demo);
Status announce_demo(const Demo& demo); // endpoints.json, then the file "ready"
void remove_demo_files(const Demo& demo);

// demo_endpoints.cc
std::string endpoints_json(const Demo& demo);

// demo_text.cc
std::string demo_text(const Demo& demo);

// demo_process.cc: posadad as our child; it ends when we end.
class DemoProcess {
  public:
    static Result<DemoProcess> start(const Demo& demo);
    // Until it says it has started everything; Errc::closed if it ended instead, Errc::timeout.
    Status wait_started();
    // Waits for SIGINT, SIGTERM or SIGHUP to us, or for the child to end by itself (false).
    bool wait_for_end();
    void stop();

  private:
    pid_t pid_ = -1;
    UniqueFd started_;
};
// Makes SIGINT, SIGTERM, SIGHUP and SIGCHLD wait for wait_for_end(). Before anything is made that must be removed.
void hold_signals();
bool asked_to_end(); // SIGINT, SIGTERM or SIGHUP has come and waits

} // namespace posada::ctl
