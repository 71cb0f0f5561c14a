// SPDX-License-Identifier: BSD-2-Clause
// The launcher's end of a signer: starts it, passes requests on, hears of breaches and of its end. Agents are forks of
// the launcher: what was never in its memory they cannot inherit.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/io/loop.h"
#include "common/priv/channel.h"
#include "common/service/launch/signer.h"

namespace posada::service {

// Random bytes for session tickets, in a sealed memfd; made once per launcher so that renewed net programs resume.
Result<UniqueFd> make_ticket_key();

class SignerHandle {
  public:
    struct Events {
        std::function<void(std::uint64_t session, const std::string& what)> on_breach;
        std::function<void(int wait_status)> on_exit;
    };
    // Waits for the milliseconds in which every certificate is read, checked and logged (cert-loaded). Errc::invalid
    // names the file that cannot be used.
    static Result<std::unique_ptr<SignerHandle>> start(const SignerSpec& spec);
    ~SignerHandle();
    SignerHandle(const SignerHandle&) = delete;
    SignerHandle& operator=(const SignerHandle&) = delete;

    // encode(NetSecrets) in a sealed memfd; with keys when nobody signs.
    [[nodiscard]] const UniqueFd& certificates() const { return certificates_; }
    [[nodiscard]] pid_t pid() const { return pid_; } // -1: nobody signs
    void watch(io::Loop& loop, Events events);
    // A request as it came from the net process. When it cannot be passed on the descriptor is closed all the same,
    // and who waits for the answer sees that.
    void sign(std::uint64_t session, const priv::Message& request);
    // To be called on SIGCHLD: notices its end.
    void reap();

  private:
    SignerHandle(pid_t pid, priv::Channel channel) : pid_(pid), channel_(std::move(channel)) {}
    Status receive_certificates();
    void on_readable();
    void end();

    pid_t pid_;
    priv::Channel channel_;
    UniqueFd certificates_;
    Events events_;
    std::unique_ptr<io::Watch> watch_;
};

} // namespace posada::service
