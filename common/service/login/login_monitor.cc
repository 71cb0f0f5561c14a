// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login/login_monitor.h"

namespace posada::service {

Result<LoginRoom> LoginRoom::open(const MonitorContext& context, std::string_view service,
                                  std::string_view pam_service) {
    auto agents = Agents::create(context.loop, context.settings.service().sandbox, context.log_fd);
    if (!agents) return agents.error();
    auto config = login_config(context.settings.common(), service, pam_service);
    config.log_fd = context.log_fd;
    return LoginRoom{std::make_unique<LoginService>(context.loop, std::move(config)), std::move(*agents)};
}

} // namespace posada::service
