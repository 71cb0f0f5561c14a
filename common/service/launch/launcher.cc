// SPDX-License-Identifier: BSD-2-Clause
// The launcher's life: start, the net program behind it, reload, stop.
#include "common/service/launch/launcher_state.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/exit_code.h"
#include "common/base/fork.h"
#include "common/base/heap.h"
#include "common/base/log.h"
#include "common/service/launch/child_program.h"
#include "common/service/launch/notify.h"
#include "common/service/log_transport.h"

namespace posada::service {

namespace {

constexpr Millis channel_retry_interval{50};
constexpr Millis longest_wait_for_channels{5'000}; // then we are ready without them: clients hear a 4xx

bool any_has(const std::vector<Listener>& listeners, TlsMode mode) {
    return std::any_of(listeners.begin(), listeners.end(), [mode](const Listener& l) { return l.tls == mode; });
}

bool same_names(const std::vector<Listener>& a, const std::vector<Listener>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Listener& x, const Listener& y) { return x.name == y.name; });
}

} // namespace

Result<UniqueFd> MonitorService::open_channel(std::string_view name, pid_t) {
    return Error{Errc::not_found, 0, "there is no service " + std::string(name)};
}

Launcher::Launcher(io::Loop& loop, const LauncherDaemon& daemon, CommandLine options)
    : loop_(loop), daemon_(daemon), requests_(with_connection_requests(daemon.requests, daemon.handshakes)),
      options_(std::move(options)) {
    restart_timer_ = std::make_unique<io::Timer>(loop, [this] {
        if (!start_net()) restart_later();
    });
    certificates_ = std::make_unique<CertificateWatch>(loop, [this] { certificates_changed(); });
    stop_timer_ = std::make_unique<io::Timer>(loop, [this] { loop_.stop(); });
    channel_timer_ = std::make_unique<io::Timer>(loop, [this] { open_missing_channels(); });
    resume_timer_ = std::make_unique<io::Timer>(loop, [this] { pause_accepting(false); });
}

Launcher::~Launcher() { set_log_sink(nullptr); }

std::vector<Listener> Launcher::served(const Settings& settings) const {
    std::vector<Listener> out;
    for (const Listener& listener : settings.listeners())
        if (daemon_.serves == nullptr || daemon_.serves(listener)) out.push_back(listener);
    return out;
}

Result<Settings> Launcher::load() {
    LoadedSettings loaded = load_settings(options_.config, daemon_.section());
    if (!loaded.errors.empty()) return Error{Errc::invalid, 0, errors_text(loaded.errors)};
    return std::move(loaded.settings);
}

Result<std::unique_ptr<SignerHandle>> Launcher::start_signer(const Settings& settings) const {
    const std::vector<CertificateFiles> files = settings.common().tls.all();
    if (files.empty()) return std::unique_ptr<SignerHandle>();
    const auto identity = service_identity("signer", settings.common().uid_base);
    if (!identity) return identity.error();
    SignerSpec spec;
    spec.files = files;
    spec.ticket_key = ticket_key_.get();
    spec.service = daemon_.name;
    spec.identity = *identity;
    spec.sandbox = settings.service().sandbox;
    spec.log_fd = log_out_.get();
    spec.signs = settings.common().tls.signer;
    spec.legacy = any_has(served(settings), TlsMode::legacy);
    return SignerHandle::start(spec);
}

Result<NetProgram> Launcher::make_program(const Settings& settings) {
    NetProgram program;
    auto identity = service_identity(daemon_.role, settings.common().uid_base);
    if (!identity) return identity.error();
    auto signer = start_signer(settings);
    if (!signer) return signer.error();
    program.path = libexec_path(daemon_.net_program);
    program.identity = *identity;
    program.hello.table_hash = priv::table_hash(requests_);
    program.hello.hostname = settings.common().hostname;
    program.hello.sandbox = settings.service().sandbox;
    program.hello.single = launched_.single;
    program.hello.sign_timeout_ms = static_cast<std::uint32_t>(settings.common().tls.sign_timeout.count());
    program.config.listeners = listeners_;
    program.config.options = settings.net_dump();
    program.signer = std::move(*signer);
    program.log_fd = log_out_.get();
    program.forks = daemon_.model == NetModel::per_connection && !launched_.single;
    program.new_session = [this] { return next_id_++; };
    return program;
}

Status Launcher::start() {
    auto settings = load();
    if (!settings) return settings.error();
    settings_ = std::move(*settings);
    listeners_ = served(settings_);
    sink_ = make_log_sink(settings_.common().log.target, daemon_.name, settings_.common().log.level);
    set_log_sink(sink_.get());
    auto launched = take_endpoints(options_.launch, listeners_);
    if (!launched) return launched.error();
    launched_ = std::move(*launched);
    auto log_pair = make_log_pair();
    if (!log_pair) return log_pair.error();
    log_in_ = std::move(log_pair->first);
    log_out_ = std::move(log_pair->second);
    log_watch_ =
        std::make_unique<io::Watch>(loop_, log_in_.get(), io::Interest::read, [this](io::Interest) { read_log(); });
    const std::string limits_file = ::geteuid() == 0 ? settings_.common().paths.run_dir + "/limits" : std::string();
    auto limits = Limits::open(limits_file, daemon_.name, settings_.common().limits);
    if (!limits) return limits.error();
    limits_ = std::move(*limits);
    RETURN_IF_ERROR(make_monitor());
    auto ticket_key = make_ticket_key();
    if (!ticket_key) return ticket_key.error();
    ticket_key_ = std::move(*ticket_key);
    watch_signals();
    // A certificate that is wrong now may be right in a moment, as while it is renewed: tried again, unlike exit 78.
    if (const Status net = start_net(); !net)
        return Error{net.error().code == Errc::invalid ? Errc::corrupt : net.error().code, net.error().sys,
                     net.error().text};
    watch_certificates();
    return {};
}

void Launcher::watch_signals() {
    const auto on = [this](int signal, std::function<void()> act) {
        signals_.push_back(std::make_unique<io::SignalWatch>(loop_, signal, std::move(act)));
    };
    on(SIGCHLD, [this] { on_signal_child(); });
    on(SIGTERM, [this] { stop("SIGTERM"); });
    on(SIGINT, [this] { stop("SIGINT"); });
    on(SIGHUP, [this] { reload("SIGHUP"); });
}

void Launcher::run() { loop_.run(); }

// ---- the net program ----

Status Launcher::start_net() {
    auto program = make_program(settings_);
    if (!program) return program.error();
    if (any_has(listeners_, TlsMode::implicit) && settings_.common().tls.all().empty())
        return Error{Errc::invalid, 0,
                     "a listener has tls = \"implicit\" but no certificate is configured; set [tls] chain and key"};
    NetHandle::Events events;
    events.on_ready = [this](NetHandle& net) { net_ready(&net); };
    events.on_ended = [this](std::uint64_t session, int status) { connection_ended(session, status); };
    events.on_want = [this](NetHandle& net, const std::string& name) { return open_channel(&net, name); };
    events.on_breach = [this](const std::string& what) { net_breached(what); };
    events.on_exit = [this](NetHandle& net, int status) { net_exited(&net, status); };
    events.on_signer_breach = [this](std::uint64_t session, const std::string& what) {
        signing_breached(session, what);
    };
    events.on_signer_exit = [this](NetHandle& net, int status) { signer_exited(&net, status); };
    auto started = NetHandle::start(loop_, std::move(*program), std::move(events));
    if (!started) return started.error();
    net_ = std::move(*started);
    return {};
}

void Launcher::net_ready(NetHandle* net) {
    if (net != net_.get()) return;
    restart_delay_ = Millis(0);
    for (const auto& name : daemon_.channels) missing_channels_.push_back({net, std::string(name)});
    channels_deadline_ = loop_.clock().now() + longest_wait_for_channels;
    open_missing_channels();
    if (launched_.single) {
        if (!announced_) announce();
        return serve_single();
    }
    const bool first = accepting_.empty();
    if (first) {
        for (const Endpoint& endpoint : launched_.endpoints)
            accepting_.push_back(
                std::make_unique<io::Watch>(loop_, endpoint.fd.get(), io::Interest::read,
                                            [this, &endpoint](io::Interest) { accept_from(endpoint); }));
    }
    pause_accepting(false);
    if (first) settle_heap(); // its children are workers and agents, from now on
}

void Launcher::announce() {
    announced_ = true;
    log(event::service_ready, {{"service", std::string(daemon_.name)},
                               {"endpoints", std::to_string(launched_.endpoints.size())},
                               {"net-pid", std::to_string(net_->pid())}});
    notify_manager("READY=1");
    notify_ready_fd(std::exchange(options_.ready_fd, -1));
}

void Launcher::serve_single() {
    Endpoint& client = launched_.endpoints[0];
    const Status unblocked = set_nonblocking(client.fd.get(), true);
    if (unblocked) admit(std::move(client.fd), client);
    if (sessions_.empty()) stop("refused");
}

// Not at once: who says it without end gets no more of our time.
Status Launcher::open_channel(NetHandle* net, const std::string& name) {
    if (std::find(daemon_.channels.begin(), daemon_.channels.end(), name) == daemon_.channels.end())
        return Error{Errc::protocol, 0, "want: no such channel"};
    const auto asked = [&](const MissingChannel& missing) { return missing.net == net && missing.name == name; };
    if (std::any_of(missing_channels_.begin(), missing_channels_.end(), asked)) return {};
    missing_channels_.push_back({net, name});
    if (!channel_timer_->running()) channel_timer_->start(channel_retry_interval);
    return {};
}

void Launcher::net_breached(const std::string& what) {
    log(event::privilege_breach, {{"service", std::string(daemon_.name)}, {"what", "to the launcher: " + what}});
}

void Launcher::open_missing_channels() {
    std::vector<MissingChannel> still_missing;
    for (const MissingChannel& missing : missing_channels_) {
        const auto channel = monitor_service_->open_channel(missing.name, missing.net->pid());
        const bool sent = channel.ok() && missing.net->send_channel(missing.name, channel->get()).ok();
        if (!sent) still_missing.push_back(missing);
    }
    missing_channels_ = std::move(still_missing);
    if (!announced_ && (missing_channels_.empty() || loop_.clock().now() >= channels_deadline_)) announce();
    if (!missing_channels_.empty() && !stopping_) channel_timer_->start(channel_retry_interval);
}

void Launcher::replace_net(std::string_view why) {
    log(event::service_start,
        {{"service", std::string(daemon_.name)}, {"what", "net program"}, {"reason", std::string(why)}});
    pause_accepting(true);
    std::unique_ptr<NetHandle> old = std::move(net_);
    if (const Status started = start_net(); !started) {
        log(event::start_failed, {{"service", std::string(daemon_.name)}, {"error", started.error().describe()}});
        net_ = std::move(old);
        return pause_accepting(false);
    }
    if (!old) return;
    old->stop();
    retiring_.push_back(std::move(old));
}

void Launcher::net_exited(NetHandle* net, int status) {
    const std::uint64_t served = net->serving();
    std::erase_if(missing_channels_, [net](const auto& missing) { return missing.net == net; });
    for (auto& [id, session] : sessions_)
        if (session->net() == net) session->net_gone();
    if (WIFSIGNALED(status) && !net->forks() && !net->killed()) connection_ended(served, status);
    if (net == net_.get()) {
        loop_.defer([dead = std::shared_ptr<NetHandle>(std::move(net_))] {});
        if (launched_.single || stopping_) return finish_if_drained();
        log(event::service_exit, {{"service", std::string(daemon_.name)},
                                  {"what", "net program"},
                                  {"status", describe_wait_status(status)},
                                  {"retry-ms", std::to_string(restart_delay_.count())}});
        pause_accepting(true);
        // A configuration or version mismatch does not heal by trying.
        if (WIFEXITED(status) && WEXITSTATUS(status) == exit_config && !announced_) return fail_start();
        return restart_later();
    }
    loop_.defer([this, net] { std::erase_if(retiring_, [net](const auto& handle) { return handle.get() == net; }); });
}

// Its keys are read again by its successor, which needs a net program that knows the same certificates. Handshakes of
// the old one fail, its sessions go on.
void Launcher::signer_exited(NetHandle* net, int status) {
    log(event::service_exit, {{"service", std::string(daemon_.name)},
                              {"what", "signer"},
                              {"status", describe_wait_status(status)},
                              {"retry-ms", std::to_string(restart_delay_.count())}});
    if (net != net_.get() || launched_.single || stopping_) return;
    pause_accepting(true);
    net_->stop();
    retiring_.push_back(std::move(net_));
    restart_later();
}

void Launcher::signing_breached(std::uint64_t session, const std::string& what) {
    const auto found = sessions_.find(session);
    if (found != sessions_.end()) return found->second->kill("sign: " + what);
    log(event::privilege_breach,
        {{"service", std::string(daemon_.name)}, {"session", std::to_string(session)}, {"what", "sign: " + what}});
}

// A fresh address space for the next attempt; the others' connections stay with the old zygote.
void Launcher::renew_net(std::string_view why) {
    if (net_ && net_->forks() && !stopping_) replace_net(why);
}

void Launcher::fail_start() {
    exit_code_ = exit_config;
    loop_.stop();
}

// At once when it had been ready; then 0.5 s doubling to 60 s. It never gives up.
void Launcher::restart_later() {
    restart_timer_->start(restart_delay_);
    restart_delay_ = std::clamp(restart_delay_ * 2, first_restart_delay, longest_restart_delay);
}

void Launcher::on_signal_child() {
    for (auto& net : retiring_) net->reap();
    if (net_) net_->reap();
    loop_.defer([this] { finish_if_drained(); }); // an agent may have been the last
}

// ---- reload, certificates, log, stop ----

void Launcher::reload(std::string_view why) {
    if (stopping_) return;
    auto settings = load();
    const Status usable = settings ? check_reload(*settings) : Status(settings.error());
    if (!usable) {
        log_rejected(daemon_.name, usable.error().describe());
        return notify_manager(status_text("goes on with its old settings: ", usable.error()));
    }
    settings_ = std::move(*settings);
    listeners_ = served(settings_);
    if (const Status made = make_monitor(); !made) log_rejected(daemon_.name, made.error().describe());
    log(event::config_loaded, {{"service", std::string(daemon_.name)}, {"reason", std::string(why)}});
    notify_manager("STATUS=");
    watch_certificates();
    replace_net(why);
}

Status Launcher::make_monitor() {
    auto made = daemon_.make_monitor({loop_, settings_, log_out_.get()});
    if (!made) return made.error();
    if (monitor_service_) old_services_.push_back(std::move(monitor_service_));
    monitor_service_ = std::move(*made);
    return {};
}

Status Launcher::check_reload(const Settings& settings) {
    if (!same_names(served(settings), listeners_))
        return Error{Errc::invalid, 0, "the list of listeners changed: restart the daemon to open or close sockets"};
    const auto signer = start_signer(settings);
    if (!signer) return signer.error();
    return {};
}

void Launcher::watch_certificates() {
    if (launched_.single) return; // inetd: this process is for one client
    std::vector<std::string> paths;
    for (const CertificateFiles& files : settings_.common().tls.all())
        paths.insert(paths.end(), {files.chain, files.key});
    certificates_->watch(std::move(paths));
}

void Launcher::certificates_changed() {
    const auto signer = start_signer(settings_);
    if (signer) {
        notify_manager("STATUS=");
        return replace_net("certificate changed");
    }
    log(event::cert_rejected, {{"service", std::string(daemon_.name)}, {"error", signer.error().describe()}});
    notify_manager(status_text("goes on with its old certificate: ", signer.error()));
}

void Launcher::read_log() {
    for (;;) {
        auto received = receive_log_record(log_in_.get());
        if (!received || !received->has_value()) return;
        const LogRecord& record = **received;
        sink_->write(*record.event, record.line + " pid=" + std::to_string(record.pid));
    }
}

void Launcher::stop(std::string_view why) {
    if (stopping_) return loop_.stop(); // a second signal does not wait
    stopping_ = true;
    log(event::service_stop, {{"service", std::string(daemon_.name)}, {"reason", std::string(why)}});
    notify_manager("STOPPING=1");
    accepting_.clear();
    launched_.endpoints.clear();
    for (auto& [id, session] : sessions_) session->please_finish();
    if (net_) net_->stop();
    stop_timer_->start(settings_.service().stop_grace);
    finish_if_drained();
}

bool Launcher::agents_work() {
    std::erase_if(old_services_, [](const auto& old) { return old.use_count() == 1 && !old->working(); });
    return monitor_service_->working() || !old_services_.empty();
}

// Ends the loop once no session is left, its agent has done what it was told, and the net program has gone.
void Launcher::finish_if_drained() {
    const bool working = agents_work();
    if (launched_.single && sessions_.empty() && announced_ && !stopping_) return stop("client served");
    if (stopping_ && sessions_.empty() && !net_ && retiring_.empty() && !working) {
        read_log();
        loop_.stop();
    }
}

} // namespace posada::service
