// SPDX-License-Identifier: BSD-2-Clause
// `smtpd --queue`: the service that owns the mail once it is accepted. Starts smtpd-queue (spool) and, if there are
// routes, smtpd-relay; delivers to local mailboxes itself (deliver.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/io/loop.h"
#include "common/priv/process.h"
#include "common/service/launch/command_line.h"
#include "smtpd/deliver.h"
#include "smtpd/helper_handle.h"

namespace posada::smtpd {

class QueueService {
  public:
    QueueService(io::Loop& loop, service::CommandLine options);
    ~QueueService();
    QueueService(const QueueService&) = delete;
    QueueService& operator=(const QueueService&) = delete;

    Status start();
    void run() { loop_.run(); }
    [[nodiscard]] int exit_code() const { return exit_code_; }

  private:
    // One of the two programs, with its restarts: at once, then 0.5 s doubling to 60 s while it fails to get ready.
    struct Program {
        std::string_view name;
        std::string_view role;
        std::unique_ptr<HelperHandle> handle;
        std::unique_ptr<io::Timer> restart;
        Millis delay{0};
    };

    Result<service::Settings> load();
    Status prepare_directories();
    Status start_program(Program& program);
    Result<UniqueFd> service_for(const Program& program);
    void program_ready(Program& program);
    void program_exited(Program& program, int status);
    void restart_later(Program& program);
    void connect_deliver();
    void make_deliver();
    void announce_when_ready();
    void watch_signals();
    void read_log();
    void reload();
    void stop(std::string_view why);
    void stop_programs();
    void finish_if_stopped();
    [[nodiscard]] bool wants_relay() const;
    [[nodiscard]] std::string spool_directory() const;

    io::Loop& loop_;
    service::CommandLine options_;
    service::Settings settings_;
    std::unique_ptr<LogSink> sink_;
    UniqueFd log_in_;
    UniqueFd log_out_;
    std::unique_ptr<io::Watch> log_watch_;
    priv::Reaper reaper_;
    std::vector<std::unique_ptr<io::SignalWatch>> signals_;
    Program queue_{"smtpd-queue", "queue", {}, {}, Millis(0)};
    Program relay_{"smtpd-relay", "relay", {}, {}, Millis(0)};
    std::unique_ptr<Deliver> deliver_;
    std::unique_ptr<io::Timer> reconnect_;
    std::unique_ptr<io::Timer> stop_timer_;
    bool announced_ = false;
    bool stopping_ = false;
    int exit_code_ = 0;
};

// The main() of `smtpd --queue`; argv without --queue.
int queue_service_main(int argc, char** argv);

} // namespace posada::smtpd
