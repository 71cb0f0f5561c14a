// SPDX-License-Identifier: BSD-2-Clause
// run_dir/control.sock: one request, one answer, both a line of JSON. Mode 0660; group posada-adm when that group
// exists and we are root. This is the only place of the supervisor that reads what another program wrote, besides
// sd_notify.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/fd.h"
#include "common/io/loop.h"

namespace posada::supervisor {

struct ServiceReport {
    std::string name;
    std::string state;
    pid_t pid = -1;
    std::int64_t seconds = 0; // in this state
    unsigned restarts = 0;
    std::string last_exit;
    std::int64_t next_try_seconds = -1; // backoff only
    std::string problem;
    std::string says;                // STATUS= of sd_notify(3)
    std::vector<std::string> listen; // "smtp 127.0.0.1:10025"
};

struct StatusReport {
    std::string isolation;
    pid_t pid = -1;
    std::vector<ServiceReport> services;
};

// What a request line asks for; "" if it is not a JSON object with a "command" text.
std::string parse_request(std::string_view line);
std::string encode_report(const StatusReport& report);
std::string encode_result(bool ok, std::string_view text);

class ControlSocket {
  public:
    // answer: a line without newline -> a line without newline.
    static Result<std::unique_ptr<ControlSocket>> open(io::Loop& loop, const std::string& path,
                                                       std::function<std::string(std::string_view)> answer);
    ~ControlSocket();

  private:
    struct Client;
    ControlSocket(io::Loop& loop, UniqueFd listener, std::string path,
                  std::function<std::string(std::string_view)> answer);
    void accept_client();
    void read_client(Client& client);
    void drop(Client& client);

    io::Loop& loop_;
    UniqueFd listener_;
    std::string path_;
    std::function<std::string(std::string_view)> answer_;
    io::Watch watch_;
    std::vector<std::unique_ptr<Client>> clients_;
};

} // namespace posada::supervisor
