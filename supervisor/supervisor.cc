// SPDX-License-Identifier: BSD-2-Clause
#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "common/base/exit_code.h"
#include "common/base/text.h"
#include "common/priv/landlock.h"
#include "common/service/launch/notify.h"
#include "common/service/log_transport.h"
#include "supervisor/spawn.h"

namespace posada::supervisor {

namespace {

constexpr std::size_t max_words = 2048; // of a service, for `posada status`

bool same_sockets(const ServicePlan& a, const ServicePlan& b) {
    return a.sockets.size() == b.sockets.size() && std::equal(a.sockets.begin(), a.sockets.end(), b.sockets.begin());
}

bool settled(const Child& child) { return child.state != State::starting && child.state != State::restarting; }

} // namespace

Supervisor::Supervisor(io::Loop& loop, SupervisorOptions options) : loop_(loop), options_(std::move(options)) {}

Supervisor::~Supervisor() {
    if (run_dir_claim_.valid()) ::unlink(notify_path().c_str());
    set_log_sink(nullptr);
}

Status Supervisor::start() {
    auto plan = plan_suite(options_.config);
    if (!plan) return plan.error();
    run_dir_ = plan->run_dir;
    sink_ = service::make_log_sink(plan->log.target, "posadad", plan->log.level);
    set_log_sink(sink_.get());
    if (!plan->warnings.empty()) service::log_rejected("posadad", plan->warnings);
    RETURN_IF_ERROR(claim_run_dir());
    RETURN_IF_ERROR(open_notify_socket());
    auto control = ControlSocket::open(loop_, run_dir_ + "/control.sock",
                                       [this](std::string_view request) { return answer(request); });
    if (!control) return control.error();
    control_ = std::move(*control);
    watch_signals();
    for (ServicePlan& service : plan->services) {
        children_.push_back(std::make_unique<Child>());
        adopt_plan(*children_.back(), std::move(service));
    }
    // Every socket before any process: a client that comes early waits in the queue of the socket.
    for (auto& child : children_)
        if (child->plan.wanted && child->plan.problem.empty()) (void)bind_sockets(*child);
    for (auto& child : children_) take_wishes(*child, false);
    announce_if_settled();
    return {};
}

void Supervisor::run() { loop_.run(); }

Status Supervisor::claim_run_dir() {
    if (::mkdir(run_dir_.c_str(), 0755) != 0 && errno != EEXIST) return errno_error("cannot make " + run_dir_);
    UniqueFd claim(::open(run_dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!claim.valid()) return errno_error(run_dir_);
    if (::flock(claim.get(), LOCK_EX | LOCK_NB) != 0)
        return Error{Errc::busy, 0,
                     "another posadad runs with run_dir " + run_dir_ +
                         " (posada status shows it); stop it first, or give this one a run_dir of its own in [paths]"};
    run_dir_claim_ = std::move(claim);
    return {};
}

void Supervisor::adopt_plan(Child& child, ServicePlan plan) {
    child.plan = std::move(plan);
    if (child.timer) return;
    child.since = loop_.clock().now();
    child.timer = std::make_unique<io::Timer>(loop_, [this, &child] { feed(child, Event::timer); });
}

// ---- signals and notifications ----

void Supervisor::watch_signals() {
    const auto on = [this](int signal, std::function<void()> what) {
        signals_.push_back(std::make_unique<io::SignalWatch>(loop_, signal, std::move(what)));
    };
    on(SIGCHLD, [this] { reap(); });
    on(SIGHUP, [this] { (void)reload(); });
    on(SIGTERM, [this] { stop("SIGTERM"); });
    on(SIGINT, [this] { stop("SIGINT"); });
}

void Supervisor::handle_notification(pid_t sender, std::string_view text) {
    const auto from =
        std::find_if(children_.begin(), children_.end(), [&](const auto& child) { return child->pid == sender; });
    if (from == children_.end()) return;
    for (const std::string_view line : split(text, '\n')) {
        if (line.starts_with("STATUS=")) (*from)->words = escape_for_log(line.substr(7, max_words));
        if (line == "READY=1") feed(**from, Event::ready);
    }
}

void Supervisor::reap() {
    read_notifications(); // what they said last is believed only while the pid is theirs
    for (;;) {
        siginfo_t info{};
        // Look before reaping: while the leader is a zombie its process group cannot be anybody else's.
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
        const auto found = std::find_if(children_.begin(), children_.end(),
                                        [&](const auto& child) { return child->pid == info.si_pid; });
        if (found != children_.end()) sweep_group(info.si_pid);
        int wait_status = 0;
        if (::waitpid(info.si_pid, &wait_status, 0) != info.si_pid) break;
        if (found != children_.end()) child_exited(**found, wait_status);
    }
}

void Supervisor::child_exited(Child& child, int wait_status) {
    child.pid = -1;
    child.last_exit = describe_exit(wait_status);
    const bool configuration = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == exit_config;
    feed(child, configuration ? Event::exited_config : Event::exited);
    std::string next(state_name(child.state));
    if (child.state == State::backoff) next = "again in " + std::to_string(child.delay.count()) + " ms";
    log(event::service_exit,
        {{"service", std::string(child.plan.row->name)}, {"status", child.last_exit}, {"next", next}});
}

// ---- the table ----

void Supervisor::feed(Child& child, Event event) {
    const Transition step = transition(child.state, event);
    if (step.next != child.state) child.since = loop_.clock().now();
    child.state = step.next;
    act(child, step.action);
    announce_if_settled();
    if (stopping_) stop_next_rank();
}

void Supervisor::act(Child& child, Action action) {
    switch (action) {
    case Action::none: return;
    case Action::spawn: return start_child(child);
    case Action::note_ready: return child.timer->start(options_.healthy_after);
    case Action::forget_past: return child.backoff.reset();
    case Action::hang_up: ::kill(child.pid, SIGHUP); return;
    case Action::terminate: ::kill(child.pid, SIGTERM); return child.timer->start(options_.stop_timeout);
    case Action::kill: return sweep_group(child.pid);
    case Action::wait: child.delay = child.backoff.next(); return child.timer->start(child.delay);
    case Action::settle: return child.timer->cancel();
    }
}

void Supervisor::start_child(Child& child) {
    const Status bound = bind_sockets(child);
    const Result<pid_t> pid = bound ? spawn_child(child) : Result<pid_t>(bound.error());
    if (!pid) {
        child.last_exit = pid.error().describe();
        log(event::start_failed, {{"service", std::string(child.plan.row->name)}, {"error", child.last_exit}});
        return feed(child, Event::exited);
    }
    child.pid = *pid;
    child.words.clear();
    if (!child.last_exit.empty()) ++child.restarts;
    child.timer->start(options_.ready_timeout);
    log(event::service_start, {{"service", std::string(child.plan.row->name)}, {"pid", std::to_string(*pid)}});
}

Status Supervisor::bind_sockets(Child& child) {
    std::vector<BoundSocket> sockets;
    for (const PlannedSocket& wanted : child.plan.sockets) {
        const auto have = std::find_if(child.sockets.begin(), child.sockets.end(), [&](const BoundSocket& bound) {
            return bound.fd.valid() && bound.plan == wanted;
        });
        BoundSocket socket{wanted, UniqueFd()};
        if (have != child.sockets.end()) {
            socket.fd = std::move(have->fd);
        } else {
            auto fd = io::listen_tcp(wanted.at);
            if (!fd) return fd.error();
            socket.fd = std::move(*fd);
        }
        sockets.push_back(std::move(socket));
    }
    child.sockets = std::move(sockets);
    return {};
}

Result<pid_t> Supervisor::spawn_child(const Child& child) {
    SpawnPlan plan;
    plan.program = options_.program_dir + "/" + std::string(child.plan.row->program);
    if (!child.plan.row->argument.empty()) plan.arguments.emplace_back(child.plan.row->argument);
    if (options_.config.must_exist) {
        plan.arguments.emplace_back("--config");
        plan.arguments.push_back(options_.config.file);
    }
    for (const BoundSocket& socket : child.sockets) {
        plan.sockets.push_back(socket.fd.get());
        plan.names.push_back(socket.plan.name);
    }
    plan.notify_socket = notify_path();
    return spawn(plan);
}

// ---- reload and stop ----

Status Supervisor::reload() {
    if (stopping_) return Error{Errc::busy, 0, "stopping"};
    service::notify_manager("RELOADING=1");
    auto plan = plan_suite(options_.config);
    if (!plan) {
        service::log_rejected("posadad", plan.error().describe());
        return plan.error();
    }
    if (!plan->warnings.empty()) service::log_rejected("posadad", plan->warnings);
    for (std::size_t i = 0; i < children_.size(); ++i) {
        Child& child = *children_[i];
        ServicePlan& wanted = plan->services[i];
        // A service whose section is wrong now goes on with what it has; only a new start is refused.
        if (!wanted.problem.empty() && child.pid > 0) {
            child.plan.problem = wanted.problem;
            continue;
        }
        const bool sockets_changed = !same_sockets(child.plan, wanted);
        adopt_plan(child, std::move(wanted));
        take_wishes(child, sockets_changed);
    }
    log(event::config_loaded, {{"service", "posadad"}});
    service::notify_manager("READY=1");
    if (plan->warnings.empty()) return {};
    return Error{Errc::invalid, 0, plan->warnings};
}

void Supervisor::take_wishes(Child& child, bool sockets_changed) {
    if (!child.plan.problem.empty()) {
        child.state = State::blocked;
        child.last_exit = "configuration";
        return;
    }
    if (!child.plan.wanted) {
        feed(child, Event::disable);
        child.sockets.clear();
    } else if (child.state == State::down || child.state == State::stopping) {
        feed(child, Event::enable);
    } else {
        feed(child, sockets_changed ? Event::restart : Event::reload);
    }
}

void Supervisor::stop(std::string_view why) {
    if (!stopping_) {
        log(event::service_stop, {{"service", "posadad"}, {"reason", std::string(why)}});
        service::notify_manager("STOPPING=1");
    }
    stopping_ = true;
    stop_next_rank();
}

// First those that take work from outside, then those that the first hand their work to.
void Supervisor::stop_next_rank() {
    bool busy = false;
    for (const bool last : {false, true}) {
        for (auto& child : children_) {
            if (child->plan.row->stops_last != last || child->state == State::down) continue;
            busy = true;
            if (child->state == State::stopping) continue;
            child->sockets.clear();
            return feed(*child, Event::disable); // which comes back here for the next one
        }
        if (busy) return;
    }
    loop_.stop();
}

// Everything has been tried once: whoever waits for us may go on.
void Supervisor::announce_if_settled() {
    if (announced_ || stopping_ || children_.size() != service_rows().size()) return;
    for (const auto& child : children_)
        if (!settled(*child) || (child->state == State::down && child->plan.wanted)) return;
    announced_ = true;
    log(event::service_ready, {{"service", "posadad"}});
    service::notify_manager("READY=1");
    service::notify_ready_fd(options_.ready_fd);
}

// ---- control ----

std::string Supervisor::answer(std::string_view request) {
    const std::string command = parse_request(request);
    if (command == "status") return encode_report(report());
    if (command == "reload") {
        const Status done = reload();
        return encode_result(done.ok(), done ? "reloaded; posada status shows if a service could not take it"
                                             : done.error().describe());
    }
    return encode_result(false, "unknown command; there are: status, reload");
}

StatusReport Supervisor::report() const {
    StatusReport out;
    out.pid = ::getpid();
    out.isolation = ::geteuid() == 0 ? "own uid per service, seccomp, Landlock" : "sandbox only, no PAM";
    const Instant now = loop_.clock().now();
    for (const auto& child : children_) {
        ServiceReport one;
        one.name = child->plan.row->name;
        one.state = state_name(child->state);
        one.pid = child->pid;
        one.seconds = std::chrono::duration_cast<Seconds>(now - child->since).count();
        one.restarts = child->restarts;
        one.last_exit = child->last_exit;
        one.problem = child->plan.problem;
        one.says = child->words;
        if (child->state == State::backoff)
            one.next_try_seconds = std::chrono::duration_cast<Seconds>(child->since + child->delay - now).count();
        for (const PlannedSocket& socket : child->plan.sockets)
            one.listen.push_back(socket.name + " " + socket.at.text());
        out.services.push_back(std::move(one));
    }
    return out;
}

} // namespace posada::supervisor
