// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/monitor.h"

#include <unistd.h>

#include "common/auth/apop.h"
#include "common/service/login/login_monitor.h"
#include "pop3d/agent.h"
#include "pop3d/login_times.h"
#include "pop3d/options.h"
#include "pop3d/requests.h"

namespace posada::pop3d {

namespace {

struct Shared {
    const Clock& clock;
    service::LoginRoom room;
    LoginTimes login_times;
    Pop3Options options;
    std::string hostname;
};

class Monitor final : public service::LoginMonitor {
  public:
    Monitor(Shared& shared, service::MonitorLink& link, const service::SessionInfo& info)
        : LoginMonitor(shared.room, link, info), link_(link), challenge_(info.challenge), shared_(shared) {}

    void handle(priv::Message message) override {
        if (!OwnRequests::has(message.type)) return LoginMonitor::handle(std::move(message));
        service::handle_with<OwnRequests>(link_, *this, message);
    }
    // The challenge is the one this monitor made for this connection: a digest seen elsewhere is worth nothing here.
    Result<priv::Later> on(ApopDigest request) {
        if (challenge_.empty()) return Error{Errc::protocol, 0, "without a challenge"};
        const auto decide = [challenge = challenge_, digest = request.digest](const std::string& users_file,
                                                                              const std::string& name) {
            return auth::apop_check(users_file, name, challenge, digest);
        };
        return login().attempt(
            {ApopDigest::row.type, "APOP", std::move(request.user), std::move(request.digest), decide});
    }

    Status on_login(const auth::Account& account) override {
        const Millis delay = shared_.options.login_delay;
        if (delay > Millis(0) && !shared_.login_times.admit(account.name, shared_.clock.now(), delay))
            return Error{Errc::too_soon, 0, "the login delay is not over"};
        return {};
    }

  private:
    [[nodiscard]] service::AgentPlan agent_of(const auth::Account& account) const override {
        service::AgentPlan plan;
        plan.spec.title = "pop3d: " + account.name + " [agent]";
        plan.spec.uid = account.uid;
        plan.spec.gid = account.gid;
        plan.spec.prepare = [path = account.maildir()]() -> Status {
            const auto made = store::Maildir::open_or_create(path);
            return made ? Status() : Status(made.error());
        };
        plan.spec.trees = {{account.maildir(), priv::LandlockAccess::read_write}};
        const Pop3Options& options = shared_.options;
        const AgentTask task{account.maildir(), options.lock_wait, options.max_messages, options.expire};
        plan.body = [task](priv::Channel channel) { return MailAgent(task).serve(std::move(channel)); };
        return plan;
    }

    service::MonitorLink& link_;
    const std::string challenge_;
    Shared& shared_;
};

class Service final : public service::MonitorService {
  public:
    explicit Service(Shared shared) : shared_(std::move(shared)) {}
    std::unique_ptr<service::MonitorSession> make_session(service::MonitorLink& link,
                                                          const service::SessionInfo& info) override {
        return std::make_unique<Monitor>(shared_, link, info);
    }
    [[nodiscard]] bool working() const override { return !shared_.room.agents->idle(); }

    std::string challenge() override {
        return shared_.room.logins->has_apop_secrets() ? auth::apop_challenge(shared_.hostname) : std::string();
    }

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
    auto room = service::LoginRoom::open(context, "pop3d", Pop3Options::section().pam_service);
    if (!room) return room.error();
    auto login_times = open_login_times(context);
    if (!login_times) return login_times.error();
    Shared shared{context.loop.clock(), std::move(*room), std::move(*login_times),
                  context.settings.options<Pop3Options>(), context.settings.common().hostname};
    return std::unique_ptr<service::MonitorService>(std::make_unique<Service>(std::move(shared)));
}

} // namespace posada::pop3d
