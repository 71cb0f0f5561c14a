// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/monitor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/service/login/login_monitor.h"
#include "ftpd/agent.h"
#include "ftpd/data_sockets.h"
#include "ftpd/options.h"
#include "ftpd/requests.h"

namespace posada::ftpd {

namespace {

constexpr std::uint16_t ftp_data_port = 20;

struct Shared {
    service::LoginRoom room;
    FtpOptions options;
    std::string virtual_root; // the directories of users without a Unix account are below it
};

// A user without a Unix account gets a directory with the first login.
Status make_top(const std::string& top, const auth::Account& account) {
    if (::mkdir(top.c_str(), 0700) != 0) return errno == EEXIST ? Status() : Status(errno_error(top));
    if (::geteuid() == 0 && ::lchown(top.c_str(), account.uid, account.gid) != 0) return errno_error(top);
    return {};
}

// Where ports are few, no session takes any that others could use.
std::uint64_t most_in_advance(const service::NumberRange& ports) {
    constexpr std::uint64_t many = 4096;
    return std::clamp<std::uint64_t>((ports.last - ports.first + 1) / many, 1, most_data_ports);
}

class Monitor final : public service::LoginMonitor {
  public:
    Monitor(Shared& shared, service::MonitorLink& link, const service::SessionInfo& info)
        : LoginMonitor(shared.room, link, info), link_(link), info_(info), shared_(shared) {}

    void handle(priv::Message message) override {
        if (!OwnRequests::has(message.type)) return LoginMonitor::handle(std::move(message));
        service::handle_with<OwnRequests>(link_, *this, message);
    }
    Result<priv::Answered<DataPorts>> on(const DataListen& request) {
        const service::NumberRange& ports = shared_.options.passive_ports;
        const std::uint64_t most = most_in_advance(ports);
        priv::Answered<DataPorts> out;
        while (out.fds.empty() || out.fds.size() < std::min<std::uint64_t>(request.count, most)) {
            auto bound = bind_for_data(info_.local, ports);
            if (!bound && out.fds.empty()) return bound.error();
            if (!bound) break;
            out.body.ports.push_back(bound->port);
            out.fds.push_back(std::move(bound->socket));
        }
        return out;
    }
    Result<priv::Answered<Nothing>> on(const DataConnect& request) {
        if (!shared_.options.active || request.port < first_data_port)
            return Error{Errc::denied, 0, "no such data connection"};
        const std::uint16_t from = shared_.options.active_from_port_20 ? ftp_data_port : 0;
        auto socket = connect_for_data(info_.local, info_.socket_peer, request.port, from);
        if (!socket) return socket.error();
        priv::Answered<Nothing> out;
        out.fds.push_back(std::move(*socket));
        return out;
    }

  private:
    [[nodiscard]] std::string top_of(const auth::Account& account) const {
        return account.virtual_user ? shared_.virtual_root + "/" + account.name : account.home;
    }
    [[nodiscard]] service::AgentPlan agent_of(const auth::Account& account) const override {
        const FtpOptions& options = shared_.options;
        service::AgentPlan plan;
        plan.spec.title = "ftpd: " + account.name + " [agent]";
        plan.spec.uid = account.uid;
        plan.spec.gid = account.gid;
        const auto access = options.write ? priv::LandlockAccess::read_write : priv::LandlockAccess::read_only;
        AgentTask task{top_of(account),
                       {account.uid, account.name, options.write, options.local_time},
                       options.sync,
                       options.partial_uploads};
        plan.spec.trees = {{task.top, access}};
        if (account.virtual_user) plan.spec.found = [top = task.top, account] { return make_top(top, account); };
        plan.body = [task](priv::Channel channel) { return FileAgent::serve(task, std::move(channel)); };
        return plan;
    }

    service::MonitorLink& link_;
    const service::SessionInfo& info_;
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

  private:
    Shared shared_;
};

} // namespace

Result<std::unique_ptr<service::MonitorService>> make_monitor(const service::MonitorContext& context) {
    auto room = service::LoginRoom::open(context, "ftpd", FtpOptions::section().pam_service);
    if (!room) return room.error();
    const std::string virtual_root = context.settings.common().paths.state_dir + "/ftp";
    if (::mkdir(virtual_root.c_str(), 0711) != 0 && errno != EEXIST) return errno_error(virtual_root);
    Shared shared{std::move(*room), context.settings.options<FtpOptions>(), virtual_root};
    return std::unique_ptr<service::MonitorService>(std::make_unique<Service>(std::move(shared)));
}

} // namespace posada::ftpd
