// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/queue_service.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/exit_code.h"
#include "common/base/fork.h"
#include "common/base/log.h"
#include "common/io/addr.h"
#include "common/service/identity.h"
#include "common/service/launch/child_program.h"
#include "common/service/launch/notify.h"
#include "common/service/log_transport.h"
#include "common/service/login/login.h"
#include "smtpd/durable_directory.h"
#include "smtpd/options.h"
#include "smtpd/queue_open.h"

namespace posada::smtpd {

namespace {

constexpr Millis reconnect_delay{200};
constexpr Millis stop_grace{5'000};

bool is_root() { return ::geteuid() == 0; }

} // namespace

QueueService::QueueService(io::Loop& loop, service::CommandLine options) : loop_(loop), options_(std::move(options)) {
    for (Program* program : {&queue_, &relay_})
        program->restart = std::make_unique<io::Timer>(loop, [this, program] {
            if (const Status started = start_program(*program); !started) {
                log(event::start_failed,
                    {{"service", std::string(program->name)}, {"error", started.error().describe()}});
                restart_later(*program);
            }
        });
    reconnect_ = std::make_unique<io::Timer>(loop, [this] { connect_deliver(); });
    stop_timer_ = std::make_unique<io::Timer>(loop, [this] { loop_.stop(); });
}

QueueService::~QueueService() {
    deliver_.reset();
    relay_.handle.reset();
    queue_.handle.reset();
    set_log_sink(nullptr);
}

std::string QueueService::spool_directory() const { return settings_.common().paths.state_dir + "/spool"; }
bool QueueService::wants_relay() const { return !settings_.options<SmtpdOptions>().routes.empty(); }

Result<service::Settings> QueueService::load() {
    service::LoadedSettings loaded = service::load_settings(options_.config, SmtpdOptions::section());
    if (!loaded.errors.empty()) return Error{Errc::invalid, 0, service::errors_text(loaded.errors)};
    return std::move(loaded.settings);
}

Status QueueService::start() {
    auto settings = load();
    if (!settings) return settings.error();
    settings_ = std::move(*settings);
    const service::LogOptions& logs = settings_.common().log;
    sink_ = service::make_log_sink(logs.target, "smtpd", logs.level);
    set_log_sink(sink_.get());
    auto log_pair = service::make_log_pair();
    if (!log_pair) return log_pair.error();
    log_in_ = std::move(log_pair->first);
    log_out_ = std::move(log_pair->second);
    log_watch_ =
        std::make_unique<io::Watch>(loop_, log_in_.get(), io::Interest::read, [this](io::Interest) { read_log(); });
    watch_signals();
    make_deliver();
    return start_program(queue_);
}

// The spool belongs to the queue's uid; the way to it may be walked, not read, by others.
Status QueueService::prepare_directories() {
    const service::PathOptions& paths = settings_.common().paths;
    if (::mkdir(paths.run_dir.c_str(), 0755) != 0 && errno != EEXIST) return errno_error(paths.run_dir);
    RETURN_IF_ERROR(make_durable_directory(paths.state_dir, 0755));
    RETURN_IF_ERROR(make_durable_directory(spool_directory(), 0700));
    auto identity = service::service_identity(queue_.role, settings_.common().uid_base);
    if (!identity) return identity.error();
    if (is_root() && ::chown(spool_directory().c_str(), identity->uid, identity->gid) != 0)
        return errno_error(spool_directory());
    return {};
}

void QueueService::watch_signals() {
    const auto on = [this](int signal, std::function<void()> act) {
        signals_.push_back(std::make_unique<io::SignalWatch>(loop_, signal, std::move(act)));
    };
    on(SIGCHLD, [this] { reaper_.reap(); });
    on(SIGTERM, [this] { stop("SIGTERM"); });
    on(SIGINT, [this] { stop("SIGINT"); });
    on(SIGHUP, [this] { reload(); });
}

// ---- the programs ----

// A listening socket exists only while a queue stands behind it: whoever connects at another time is told at once.
Result<UniqueFd> QueueService::service_for(const Program& program) {
    const std::string& run_dir = settings_.common().paths.run_dir;
    if (&program == &relay_) return open_queue(run_dir, QueueRole::relay);
    RETURN_IF_ERROR(prepare_directories());
    return io::listen_unix_seqpacket(queue_socket_path(run_dir), 0600);
}

Status QueueService::start_program(Program& program) {
    auto service_fd = service_for(program);
    if (!service_fd) return service_fd.error();
    auto identity = service::service_identity(program.role, settings_.common().uid_base);
    if (!identity) return identity.error();
    HelperProgram helper;
    helper.path = service::libexec_path(program.name);
    helper.identity = *identity;
    helper.hello.hostname = settings_.common().hostname;
    helper.hello.directory = spool_directory();
    helper.hello.sandbox = settings_.service().sandbox;
    helper.hello.owner = ::geteuid();
    helper.options = settings_.net_dump();
    helper.socket = std::move(*service_fd);
    helper.log_fd = log_out_.get();
    auto started = HelperHandle::start(
        loop_, reaper_, std::move(helper), [this, &program] { program_ready(program); },
        [this, &program](int status) { program_exited(program, status); });
    if (!started) return started.error();
    program.handle = std::move(*started);
    return {};
}

void QueueService::program_ready(Program& program) {
    program.delay = Millis(0);
    if (&program == &queue_) {
        connect_deliver();
        if (wants_relay() && !relay_.handle) relay_.restart->start(Millis(0));
        auto channel = relay_.handle ? open_queue(settings_.common().paths.run_dir, QueueRole::relay)
                                     : Result<UniqueFd>(Error{Errc::unavailable, 0, "no relay"});
        if (channel) relay_.handle->send_socket(channel->get());
    }
    announce_when_ready();
}

void QueueService::announce_when_ready() {
    const bool ready =
        queue_.handle && queue_.handle->ready() && (!wants_relay() || (relay_.handle && relay_.handle->ready()));
    if (announced_ || !ready) return;
    announced_ = true;
    log(event::service_ready, {{"service", "smtpd --queue"},
                               {"socket", queue_socket_path(settings_.common().paths.run_dir)},
                               {"queue-pid", std::to_string(queue_.handle->pid())}});
    service::notify_manager("READY=1");
    service::notify_ready_fd(std::exchange(options_.ready_fd, -1));
}

void QueueService::program_exited(Program& program, int status) {
    loop_.defer([gone = std::shared_ptr<HelperHandle>(std::move(program.handle))] {});
    if (stopping_) return finish_if_stopped();
    read_log(); // its last words
    log(event::service_exit, {{"service", std::string(program.name)},
                              {"status", describe_wait_status(status)},
                              {"retry-ms", std::to_string(program.delay.count())}});
    if (WIFEXITED(status) && WEXITSTATUS(status) == exit_config && !announced_) {
        exit_code_ = exit_config;
        return loop_.stop();
    }
    if (&program == &relay_ && !wants_relay()) return;
    restart_later(program);
}

void QueueService::restart_later(Program& program) {
    program.restart->start(program.delay);
    program.delay = std::clamp(program.delay * 2, service::first_restart_delay, service::longest_restart_delay);
}

// ---- deliver ----

void QueueService::make_deliver() {
    const SmtpdOptions& options = settings_.options<SmtpdOptions>();
    DeliverConfig config;
    config.hostname = settings_.common().hostname;
    config.sources = service::account_sources(settings_.common());
    config.change_user = is_root();
    const service::MailboxOptions& mailbox = settings_.common().mailbox;
    config.limits.quota = {mailbox.quota, mailbox.quota_messages};
    config.limits.reject = mailbox.over_quota == service::OverQuota::reject;
    config.concurrency = options.queue.delivery_concurrency;
    config.batch = options.queue.batch;
    config.sandbox = settings_.service().sandbox;
    config.log_fd = log_out_.get();
    deliver_ = std::make_unique<Deliver>(loop_, reaper_, std::move(config));
}

void QueueService::connect_deliver() {
    if (stopping_ || !queue_.handle || !queue_.handle->ready()) return;
    auto channel = open_queue(settings_.common().paths.run_dir, QueueRole::deliver);
    if (!channel) {
        log(event::queue_error, {{"error", channel.error().describe()}});
        return reconnect_->start(reconnect_delay);
    }
    deliver_->connect(std::move(*channel), [this] { reconnect_->start(reconnect_delay); });
}

// ---- log, reload, stop ----

void QueueService::read_log() {
    for (;;) {
        auto received = service::receive_log_record(log_in_.get());
        if (!received || !received->has_value()) return;
        const service::LogRecord& record = **received;
        sink_->write(*record.event, record.line + " pid=" + std::to_string(record.pid));
    }
}

// The programs end in order and are started again with the new settings; leases go back, nothing is lost.
void QueueService::reload() {
    if (stopping_) return;
    auto settings = load();
    if (!settings) {
        service::log_rejected("smtpd --queue", settings.error().describe());
        return service::notify_manager(service::status_text("goes on with its old settings: ", settings.error()));
    }
    settings_ = std::move(*settings);
    log(event::config_loaded, {{"service", "smtpd --queue"}, {"reason", "SIGHUP"}});
    service::notify_manager("STATUS=");
    make_deliver();
    stop_programs();
}

void QueueService::stop_programs() {
    if (relay_.handle) relay_.handle->stop();
    if (queue_.handle) queue_.handle->stop();
}

void QueueService::stop(std::string_view why) {
    if (stopping_) return loop_.stop(); // a second signal does not wait
    stopping_ = true;
    log(event::service_stop, {{"service", "smtpd --queue"}, {"reason", std::string(why)}});
    service::notify_manager("STOPPING=1");
    for (Program* program : {&queue_, &relay_}) program->restart->cancel();
    stop_timer_->start(stop_grace);
    deliver_->stop([this] {
        stop_programs();
        finish_if_stopped();
    });
}

void QueueService::finish_if_stopped() {
    if (queue_.handle || relay_.handle) return;
    read_log();
    loop_.stop();
}

int queue_service_main(int argc, char** argv) {
    constexpr std::string_view name = "smtpd --queue";
    service::CommandLine options;
    if (const int code = service::parse_command_line(name, false, argc, argv, options); code >= 0) return code;
    const Status ready = service::prepare_launcher_process();
    auto loop = ready ? io::Loop::create() : ready.error();
    if (!loop) return service::report_failed_start(name, loop.error());
    QueueService queue(**loop, std::move(options));
    if (const Status started = queue.start(); !started) return service::report_failed_start(name, started.error());
    queue.run();
    return queue.exit_code();
}

} // namespace posada::smtpd
