// SPDX-License-Identifier: BSD-2-Clause
// The monitor of a daemon whose users log in and have agents. LoginRoom is what its sessions share; LoginMonitor
// answers the login rows of one and starts the agent that agent_of() describes.
#pragma once

#include <memory>
#include <string_view>

#include "common/service/launch/launcher.h"
#include "common/service/login/agent_hooks.h"

namespace posada::service {

struct LoginRoom {
    std::unique_ptr<LoginService> logins;
    std::unique_ptr<Agents> agents;
    // service: in logs; pam_service: the file in /etc/pam.d.
    static Result<LoginRoom> open(const MonitorContext& context, std::string_view service,
                                  std::string_view pam_service);
};

class LoginMonitor : public MonitorSession, public AgentHooks {
  public:
    // All outlive it.
    LoginMonitor(LoginRoom& room, MonitorLink& link, const SessionInfo& info)
        : AgentHooks(*room.agents), login_(*room.logins, link, info, this) {}
    // A daemon with rows of its own answers those first.
    void handle(priv::Message message) override { login_.handle(std::move(message)); }
    Status on_login(const auth::Account&) override { return {}; }

  protected:
    [[nodiscard]] LoginSession& login() { return login_; }

  private:
    LoginSession login_;
};

} // namespace posada::service
