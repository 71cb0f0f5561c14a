// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/monitor.h"

#include <unistd.h>

#include "common/service/agent_hooks.h"
#include "pop3d/agent.h"
#include "pop3d/login_times.h"
#include "pop3d/options.h"

namespace posada::pop3d {

namespace {

struct Shared {
    const Clock& clock;
    std::unique_ptr<service::LoginService> logins;
    std::unique_ptr<service::Agents> agents;
    LoginTimes login_times;
    Millis login_delay;
    Millis lock_wait;
    std::uint32_t max_messages;
    Millis expire;
};

class Monitor final : public service::MonitorSession, public service::AgentHooks {
  public:
    Monitor(Shared& shared, service::MonitorLink& link, const service::SessionInfo& info)
        : AgentHooks(*shared.agents), shared_(shared), login_(*shared.logins, link, info, this) {}

    // Every row of the table is a login row.
    void handle(std::size_t row, priv::Message message) override { login_.handle(row, std::move(message)); }

    Status on_login(const auth::Account& account) override {
        if (shared_.login_delay > Millis(0) &&
            !shared_.login_times.admit(account.name, shared_.clock.now(), shared_.login_delay))
            return Error{Errc::busy, 0, std::string(service::login_too_soon)};
        return {};
    }

  private:
    [[nodiscard]] service::AgentPlan agent_of(const auth::Account& account) const override {
        service::AgentPlan plan;
        plan.spec.title = "pop3d: " + account.name + " [agent]";
        plan.spec.uid = account.uid;
        plan.spec.gid = account.gid;
        plan.spec.prepare = [path = account.maildir]() -> Status {
            const auto made = store::Maildir::open_or_create(path);
            return made ? Status() : Status(made.error());
        };
        plan.spec.trees = {account.maildir};
        const AgentTask task{account.maildir, shared_.lock_wait, shared_.max_messages, shared_.expire};
        plan.body = [task](priv::Channel channel) { return MailAgent(task).serve(std::move(channel)); };
        return plan;
    }

    Shared& shared_;
    service::LoginSession login_;
};

class Service final : public service::MonitorService {
  public:
    explicit Service(Shared shared) : shared_(std::move(shared)) {}
    std::unique_ptr<service::MonitorSession> make_session(service::MonitorLink& link,
                                                          const service::SessionInfo& info) override {
        return std::make_unique<Monitor>(shared_, link, info);
    }

    std::string challenge() override { return shared_.logins->apop_challenge(); }

  private:
    Shared shared_;
};

// In a file that all launchers share, where one is needed and can be made.
Result<LoginTimes> open_login_times(const service::MonitorContext& context) {
    const std::string path = context.settings.common().paths.run_dir + "/login-times";
    if (context.settings.options<Pop3Options>().login_delay == Millis(0)) return LoginTimes::open("");
    auto shared = LoginTimes::open(path);
    return shared || ::geteuid() == 0 ? std::move(shared) : LoginTimes::open("");
}

} // namespace

Result<std::unique_ptr<service::MonitorService>> make_monitor(const service::MonitorContext& context) {
    const auto mode = static_cast<priv::SandboxMode>(context.settings.service().sandbox);
    auto agents = service::Agents::create(context.loop, mode, context.log_fd);
    if (!agents) return agents.error();
    auto config = service::login_config(context.settings.common(), "pop3d", "posada-pop3");
    config.log_fd = context.log_fd;
    const auto& options = context.settings.options<Pop3Options>();
    auto login_times = open_login_times(context);
    if (!login_times) return login_times.error();
    Shared shared{context.loop.clock(), std::make_unique<service::LoginService>(context.loop, std::move(config)),
                  std::move(*agents),   std::move(*login_times),
                  options.login_delay,  options.lock_wait,
                  options.max_messages, options.expire};
    return std::unique_ptr<service::MonitorService>(std::make_unique<Service>(std::move(shared)));
}

} // namespace posada::pop3d
