// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/monitor.h"

#include <memory>

#include "common/service/launcher.h"
#include "common/service/login.h"
#include "smtpd/lookup_worker.h"
#include "smtpd/options.h"
#include "smtpd/queue_client.h"

namespace posada::smtpd {

namespace {

constexpr std::string_view refusal = "421 4.7.0 too many connections, try again later\r\n";

// Of the whole process. Never destroyed: its timers would outlive the loop, which ends with main().
struct State {
    std::unique_ptr<LookupWorker> lookup;
    std::unique_ptr<service::LoginService> logins;
};
State& state() {
    static State* const only = new State;
    return *only;
}

void prepare_smtpd(const service::MonitorContext& context) {
    state().lookup = std::make_unique<LookupWorker>(context.loop, service::account_sources(context.settings.common()),
                                                    context.log_fd);
}

void prepare_submission(const service::MonitorContext& context) {
    prepare_smtpd(context);
    service::LoginConfig config = service::login_config(context.settings.common(), "submission", "posada-smtp");
    config.log_fd = context.log_fd;
    state().logins = std::make_unique<service::LoginService>(context.loop, std::move(config));
}

Result<UniqueFd> open_service(std::string_view name, const service::MonitorContext& context) {
    const service::CommonOptions& common = context.settings.common();
    if (name == "queue") return open_queue(common.paths.run_dir, QueueRole::receive);
    const auto identity = service::service_identity("lookup", common.uid_base);
    if (!identity) return identity.error();
    return state().lookup->start(*identity);
}

std::unique_ptr<service::MonitorSession>
make_login_session(service::MonitorLink& link, const service::SessionInfo& info, const service::MonitorContext&) {
    return std::make_unique<service::LoginSession>(*state().logins, link, info, nullptr);
}

service::LauncherDaemon common_daemon() {
    service::LauncherDaemon daemon{};
    daemon.model = service::NetModel::shared;
    daemon.section = &SmtpdOptions::section;
    daemon.refusal = refusal;
    daemon.services = {"lookup", "queue"};
    daemon.open_service = &open_service;
    return daemon;
}

} // namespace

int smtpd_main(int argc, char** argv) {
    service::LauncherDaemon daemon = common_daemon();
    daemon.name = "smtpd";
    daemon.net_program = "smtpd-net";
    daemon.role = "smtpd";
    daemon.serves = [](const service::Listener& listener) { return !listener.auth; };
    daemon.prepare = &prepare_smtpd;
    return service::launcher_main(daemon, argc, argv);
}

int submission_main(int argc, char** argv) {
    service::LauncherDaemon daemon = common_daemon();
    daemon.name = "submission";
    daemon.net_program = "smtpd-submission-net";
    daemon.role = "subm";
    daemon.requests = service::login_requests;
    daemon.serves = [](const service::Listener& listener) { return listener.auth; };
    daemon.prepare = &prepare_submission;
    daemon.make_session = &make_login_session;
    return service::launcher_main(daemon, argc, argv);
}

} // namespace posada::smtpd
