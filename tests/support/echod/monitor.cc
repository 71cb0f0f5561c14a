// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/echod/monitor.h"

#include <fcntl.h>

#include "common/base/text.h"
#include "common/service/login/login_monitor.h"
#include "tests/support/echod/agent.h"
#include "tests/support/echod/requests.h"

namespace posada::echod {

namespace {

class Monitor final : public service::LoginMonitor {
  public:
    Monitor(service::LoginRoom& room, service::MonitorLink& link, const service::SessionInfo& info)
        : LoginMonitor(room, link, info), link_(link), info_(info) {}

    void handle(priv::Message message) override {
        if (!OwnRequests::has(message.type)) return LoginMonitor::handle(std::move(message));
        service::handle_with<OwnRequests>(link_, *this, message);
    }
    Result<Text> on(const Upper& request) { return Text{ascii_upper(request.text)}; }
    Result<Text> on(const Where&) {
        return Text{info_.peer.ip() + " " + info_.socket_peer.ip() + " " + info_.local.ip() + " " +
                    std::to_string(info_.local.port())};
    }
    Result<priv::Answered<Text>> on(const Open&) {
        priv::Answered<Text> out;
        out.fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        return out;
    }

  private:
    [[nodiscard]] service::AgentPlan agent_of(const auth::Account& account) const override {
        service::AgentPlan plan;
        plan.spec.title = "echod: " + account.name + " [agent]";
        plan.spec.uid = account.uid;
        plan.spec.gid = account.gid;
        plan.spec.trees = {{account.home, priv::LandlockAccess::read_only}};
        plan.body = [home = account.home](priv::Channel channel) { return serve_files(home, std::move(channel)); };
        return plan;
    }

    service::MonitorLink& link_;
    const service::SessionInfo& info_;
};

class Service final : public service::MonitorService {
  public:
    explicit Service(service::LoginRoom room) : room_(std::move(room)) {}
    std::unique_ptr<service::MonitorSession> make_session(service::MonitorLink& link,
                                                          const service::SessionInfo& info) override {
        return std::make_unique<Monitor>(room_, link, info);
    }
    [[nodiscard]] bool working() const override { return !room_.agents->idle(); }

  private:
    service::LoginRoom room_;
};

} // namespace

Result<std::unique_ptr<service::MonitorService>> make_monitor(const service::MonitorContext& context) {
    auto room = service::LoginRoom::open(context, "echod", "posada-echo");
    if (!room) return room.error();
    return std::unique_ptr<service::MonitorService>(std::make_unique<Service>(std::move(*room)));
}

} // namespace posada::echod
