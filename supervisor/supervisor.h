// SPDX-License-Identifier: BSD-2-Clause
// The supervisor: binds the sockets of every enabled service, starts the services, starts them again when they end, and
// passes reloads on. It accepts no connection but those of its control socket and parses no byte of the network.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/io/loop.h"
#include "supervisor/child.h"
#include "supervisor/control.h"
#include "supervisor/services.h"

namespace posada::supervisor {

struct SupervisorOptions {
    service::ConfigSource config;
    std::string program_dir; // where smtpd and pop3d are
    int ready_fd = -1;
    Millis stop_timeout{20'000};  // SIGTERM to SIGKILL
    Millis ready_timeout{30'000}; // start to READY=1
    Millis healthy_after{60'000}; // up for this long: the next backoff is short again
};

struct BoundSocket {
    PlannedSocket plan;
    UniqueFd fd;
};

// One service at run time.
struct Child {
    ServicePlan plan;
    std::vector<BoundSocket> sockets;
    State state = State::down;
    Backoff backoff;
    std::unique_ptr<io::Timer> timer;
    pid_t pid = -1;
    Instant since{}; // of this state
    Millis delay{0}; // backoff: how long it waits in all
    unsigned restarts = 0;
    std::string last_exit;
    std::string words; // STATUS= of its process: why it cannot start, or goes on with its old settings
};

class Supervisor {
  public:
    Supervisor(io::Loop& loop, SupervisorOptions options);
    ~Supervisor();
    // Reads the configuration, makes run_dir, control and notify sockets, starts everything.
    // Errc::invalid = configuration (exit 78).
    Status start();
    void run();

  private:
    void watch_signals();
    Status claim_run_dir();
    Status open_notify_socket();
    void read_notifications();
    void handle_notification(pid_t sender, std::string_view text);
    void reap();
    void child_exited(Child& child, int wait_status);
    void feed(Child& child, Event event);
    void act(Child& child, Action action);
    void start_child(Child& child);
    Status bind_sockets(Child& child);
    Result<pid_t> spawn_child(const Child& child);
    void adopt_plan(Child& child, ServicePlan plan);
    void take_wishes(Child& child, bool sockets_changed);
    Status reload();
    void stop(std::string_view why);
    void stop_next_rank();
    void announce_if_settled();
    [[nodiscard]] std::string answer(std::string_view request);
    [[nodiscard]] StatusReport report() const;
    [[nodiscard]] std::string notify_path() const { return run_dir_ + "/notify.sock"; }

    io::Loop& loop_;
    SupervisorOptions options_;
    std::string run_dir_;
    UniqueFd run_dir_claim_; // locked for as long as we live: a second posadad would take our sockets away
    std::unique_ptr<LogSink> sink_;
    UniqueFd notify_;
    std::unique_ptr<io::Watch> notify_watch_;
    std::unique_ptr<ControlSocket> control_;
    std::vector<std::unique_ptr<Child>> children_;
    std::vector<std::unique_ptr<io::SignalWatch>> signals_;
    bool stopping_ = false;
    bool announced_ = false;
};

} // namespace posada::supervisor
