// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/monitor.h"

#include <memory>

#include "common/service/launch/launcher.h"
#include "common/service/login/login.h"
#include "smtpd/lookup_worker.h"
#include "smtpd/options.h"
#include "smtpd/queue_open.h"

namespace posada::smtpd {

namespace {

// Port 25: no privileged request but the name of a proxy's client, two channels for the net program.
class Smtpd : public service::MonitorService {
  public:
    explicit Smtpd(const service::MonitorContext& context)
        : common_(context.settings.common()), lookup_(context.loop, service::account_sources(common_), context.log_fd) {
    }

    std::unique_ptr<service::MonitorSession> make_session(service::MonitorLink&, const service::SessionInfo&) override {
        return nullptr;
    }
    Result<UniqueFd> open_channel(std::string_view name, pid_t program) override {
        if (name == "queue") return open_queue(common_.paths.run_dir, QueueRole::receive);
        const auto identity = service::service_identity("lookup", common_.uid_base);
        if (!identity) return identity.error();
        return lookup_.start(*identity, program);
    }

  private:
    service::CommonOptions common_;
    LookupWorkers lookup_;
};

service::LoginConfig logins(const service::MonitorContext& context) {
    service::LoginConfig config =
        service::login_config(context.settings.common(), "submission", SmtpdOptions::section().pam_service);
    config.log_fd = context.log_fd;
    return config;
}

class Submission final : public Smtpd {
  public:
    explicit Submission(const service::MonitorContext& context)
        : Smtpd(context), logins_(context.loop, logins(context)) {}

    std::unique_ptr<service::MonitorSession> make_session(service::MonitorLink& link,
                                                          const service::SessionInfo& info) override {
        return std::make_unique<service::LoginSession>(logins_, link, info, nullptr);
    }

  private:
    service::LoginService logins_;
};

} // namespace

Result<std::unique_ptr<service::MonitorService>> make_monitor(const service::MonitorContext& context) {
    return std::unique_ptr<service::MonitorService>(std::make_unique<Smtpd>(context));
}

Result<std::unique_ptr<service::MonitorService>> make_submission_monitor(const service::MonitorContext& context) {
    return std::unique_ptr<service::MonitorService>(std::make_unique<Submission>(context));
}

} // namespace posada::smtpd
