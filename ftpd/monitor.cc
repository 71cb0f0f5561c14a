// SPDX-License-Identifier: BSD-2-Clause
#include "ftpd/monitor.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "common/base/log.h"
#include "common/service/identity.h"
#include "common/service/login/login_monitor.h"
#include "ftpd/agent.h"
#include "ftpd/class_sessions.h"
#include "ftpd/classes.h"
#include "ftpd/data_sockets.h"
#include "ftpd/options.h"
#include "ftpd/requests.h"
#include "ftpd/transfer_log.h"

namespace posada::ftpd {

namespace {

constexpr std::uint16_t ftp_data_port = 20;
constexpr std::uint64_t most_millis = std::uint64_t{1} << 40;

struct Shared {
    const Clock& clock;
    service::LoginRoom room;
    FtpOptions options;
    std::string virtual_root; // the directories of users without a Unix account are below it
    ClassSessions sessions;
    TransferLog transfers;
    auth::Account anonymous;                    // its home is the directory that all may read from
    std::map<std::string, uid_t> upload_owners; // by UploadDirectory::path
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

// A descriptor from the net process: only what is a plain file of that user, and has no other name yet.
Status give_file(const UniqueFd& file, uid_t from, uid_t to) {
    struct stat st {};
    if (::fstat(file.get(), &st) != 0) return errno_error("upload");
    if (!S_ISREG(st.st_mode) || st.st_uid != from || st.st_nlink > 1)
        return Error{Errc::denied, 0, "not a new file of this user"};
    if (::fchown(file.get(), to, static_cast<gid_t>(-1)) != 0) return errno_error("upload");
    return {};
}

class Monitor final : public service::LoginMonitor {
  public:
    Monitor(Shared& shared, service::MonitorLink& link, const service::SessionInfo& info)
        : LoginMonitor(shared.room, link, info), link_(link), info_(info), shared_(shared) {}

    // The session has a place in its class from here on.
    Status on_login(const auth::Account& account) override {
        auto place = shared_.sessions.enter(class_of(account), account.name, shared_.clock.now());
        if (!place) return place.error();
        place_ = std::move(*place);
        account_ = account;
        return {};
    }

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
    Result<priv::Later> on(AnonymousLogin request) {
        if (shared_.options.anonymous.empty()) return Error{Errc::protocol, 0, "there are no anonymous users"};
        email_ = std::move(request.email);
        const auto decide = [account = shared_.anonymous](const std::string&, const std::string&) {
            auth::Decision out;
            out.outcome = auth::Outcome::accepted;
            out.account = account;
            return out;
        };
        return login().attempt(
            {AnonymousLogin::row.type, "anonymous", std::string(anonymous_name), std::string(), decide});
    }
    // Nothing of it is believed but what only the client can know.
    Status on(const LogTransfer& request) {
        const bool guest = !class_of(account_).top.empty();
        TransferRecord record{shared_.clock.unix_now(),
                              Millis(static_cast<std::int64_t>(std::min(request.millis, most_millis))),
                              info_.peer.ip(),
                              request.path,
                              request.octets,
                              request.ascii,
                              request.received,
                              request.complete,
                              is_anonymous(account_) ? 'a' : (guest ? 'g' : 'r'),
                              is_anonymous(account_) ? email_ : account_.name};
        const Status added = shared_.transfers.add(record);
        if (!added) log(event::transfer_log_failed, {{"error", added.error().describe()}});
        return added;
    }
    Status on(const GiveUpload& request, priv::Message& message) {
        const auto boxes = boxes_of(shared_.options, account_.name);
        const UploadBox* box = box_around(boxes, request.path);
        const auto owner = box == nullptr ? shared_.upload_owners.end() : shared_.upload_owners.find(box->path);
        if (owner == shared_.upload_owners.end()) return Error{Errc::denied, 0, "no such upload directory"};
        Status given = give_file(message.fds.front(), account_.uid, owner->second);
        if (!given)
            log(event::upload_not_given, {{"session", std::to_string(info_.id)},
                                          {"user", account_.name},
                                          {"path", request.path},
                                          {"error", given.error().describe()}});
        return given;
    }

  private:
    [[nodiscard]] bool is_anonymous(const auth::Account& account) const {
        return !shared_.options.anonymous.empty() && account.name == anonymous_name;
    }
    [[nodiscard]] const ClientClass& class_of(const auth::Account& account) const {
        return ftpd::class_of(shared_.options, account.name, info_.peer);
    }
    [[nodiscard]] std::string top_of(const auth::Account& account) const {
        if (is_anonymous(account)) return account.home;
        if (const std::string& top = class_of(account).top; !top.empty()) return expand_top(top, account.name);
        return account.virtual_user ? shared_.virtual_root + "/" + account.name : account.home;
    }
    [[nodiscard]] AgentTask task_of(const auth::Account& account) const {
        const FtpOptions& options = shared_.options;
        const bool write = options.write && class_of(account).write && !is_anonymous(account);
        AgentTask task;
        task.top = top_of(account);
        task.viewer = {account.uid, account.name, write, options.local_time};
        task.sync = options.sync;
        task.partial_uploads = options.partial_uploads;
        task.public_only = is_anonymous(account);
        task.boxes = boxes_of(options, account.name);
        task.quota = class_of(account).quota;
        return task;
    }
    [[nodiscard]] service::AgentPlan agent_of(const auth::Account& account) const override {
        service::AgentPlan plan;
        plan.spec.title = "ftpd: " + account.name + " [agent]";
        plan.spec.uid = account.uid;
        plan.spec.gid = account.gid;
        const AgentTask task = task_of(account);
        const bool writes = task.viewer.may_write || !task.boxes.empty();
        plan.spec.trees = {{task.top, writes ? priv::LandlockAccess::read_write : priv::LandlockAccess::read_only}};
        if (account.virtual_user && !is_anonymous(account))
            plan.spec.found = [top = task.top, account] { return make_top(top, account); };
        plan.body = [task](priv::Channel channel) { return FileAgent::serve(task, std::move(channel)); };
        return plan;
    }

    service::MonitorLink& link_;
    const service::SessionInfo& info_;
    Shared& shared_;
    ClassSessions::Place place_;
    auth::Account account_; // once logged in
    std::string email_;     // of an anonymous user
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

Result<auth::Account> anonymous_account(const service::MonitorContext& context) {
    auth::Account out;
    out.home = context.settings.options<FtpOptions>().anonymous;
    if (out.home.empty()) return out;
    const auto identity = service::service_identity("anonftp", context.settings.common().uid_base);
    if (!identity) return identity.error();
    out.name = anonymous_name;
    out.virtual_user = true;
    out.uid = identity->uid;
    out.gid = identity->gid;
    return out;
}

Result<std::map<std::string, uid_t>> upload_owners(const FtpOptions& options) {
    std::map<std::string, uid_t> out;
    for (const UploadDirectory& one : options.upload) {
        if (one.owner.empty()) continue;
        const passwd* account = ::getpwnam(one.owner.c_str());
        if (account == nullptr)
            return Error{Errc::not_found, 0, "[[ftpd.upload]] owner: there is no account \"" + one.owner + "\""};
        if (account->pw_uid == 0)
            return Error{Errc::denied, 0, "[[ftpd.upload]] owner: what strangers send is not given to root"};
        out.emplace(one.path, account->pw_uid);
    }
    return out;
}

// In a file that all launchers share, where one can be made.
Result<ClassSessions> class_sessions(const service::MonitorContext& context) {
    const auto& classes = context.settings.options<FtpOptions>().classes;
    auto shared = ClassSessions::open(context.settings.common().paths.run_dir + "/ftp-classes", classes);
    return shared || ::geteuid() == 0 ? std::move(shared) : ClassSessions::open("", classes);
}

} // namespace

Result<std::unique_ptr<service::MonitorService>> make_monitor(const service::MonitorContext& context) {
    auto room = service::LoginRoom::open(context, "ftpd", FtpOptions::section().pam_service);
    if (!room) return room.error();
    const std::string virtual_root = context.settings.common().paths.state_dir + "/ftp";
    if (::mkdir(virtual_root.c_str(), 0711) != 0 && errno != EEXIST) return errno_error(virtual_root);
    const FtpOptions& options = context.settings.options<FtpOptions>();
    auto sessions = class_sessions(context);
    if (!sessions) return sessions.error();
    auto anonymous = anonymous_account(context);
    if (!anonymous) return anonymous.error();
    auto owners = upload_owners(options);
    if (!owners) return owners.error();
    Shared shared{context.loop.clock(),  std::move(*room),     options,
                  virtual_root,          std::move(*sessions), TransferLog(options.transfer_log),
                  std::move(*anonymous), std::move(*owners)};
    return std::unique_ptr<service::MonitorService>(std::make_unique<Service>(std::move(shared)));
}

} // namespace posada::ftpd
