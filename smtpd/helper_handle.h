// SPDX-License-Identifier: BSD-2-Clause
// The root side of helper.h: starts smtpd-queue or smtpd-relay as its uid and hears of its readiness and end.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "common/io/loop.h"
#include "common/priv/process.h"
#include "common/service/identity.h"
#include "smtpd/helper.h"

namespace posada::smtpd {

struct HelperProgram {
    std::string path; // libexec/posada/smtpd-queue
    service::Identity identity;
    HelperHello hello;
    std::string options; // dump
    UniqueFd socket;
    int log_fd = -1; // borrowed
};

class HelperHandle {
  public:
    static Result<std::unique_ptr<HelperHandle>> start(io::Loop& loop, priv::Reaper& reaper, HelperProgram program,
                                                       std::function<void()> on_ready,
                                                       std::function<void(int wait_status)> on_exit);
    ~HelperHandle(); // kills what still runs, silently
    HelperHandle(const HelperHandle&) = delete;
    HelperHandle& operator=(const HelperHandle&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool ready() const { return ready_; }
    void send_socket(int fd);
    void stop();

  private:
    HelperHandle() = default;
    void on_readable();

    priv::Reaper* reaper_ = nullptr;
    priv::Channel channel_;
    std::unique_ptr<io::Watch> watch_;
    std::function<void()> on_ready_;
    pid_t pid_ = -1;
    bool ready_ = false;
};

} // namespace posada::smtpd
