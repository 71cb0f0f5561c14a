// SPDX-License-Identifier: BSD-2-Clause
// One connection's logins. An attempt goes: (held while its source is penalised) -> worker -> verdict, logged at once
// -> answer, late if it is a refusal. At most one attempt at a time; destroying the session ends it wherever it is.
#include "common/service/login/login.h"

#include "common/auth/parked_secret.h"
#include "common/auth/scram.h"
#include "common/base/log.h"

namespace posada::service {

namespace {

std::string_view name_of(std::uint16_t type) {
    for (const priv::RequestInfo& row : LoginRequests::rows)
        if (row.type == type) return row.name;
    return "login request";
}

constexpr std::string_view under_way = "while a login is under way";

std::string mechanism_of(const auth::ScramExchange& exchange) {
    return exchange.plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
}

auth::Decision wrong_exchange() {
    auth::Decision out;
    out.outcome = auth::Outcome::refused;
    out.reason = "wrong-exchange";
    return out;
}

} // namespace

struct LoginSession::State : std::enable_shared_from_this<LoginSession::State> {
    State(LoginService& s, MonitorLink& l, SessionInfo i, LoginHooks* h)
        : service(s), link(l), info(std::move(i)), hooks(h), exempt(contains(s.config().exempt, info.peer)),
          timer(l.loop(), [this] { on_timer(); }) {}
    ~State() { drop_worker(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    // What one request is about, until it is answered.
    struct Pending {
        std::uint16_t type = 0;
        std::string method;
        std::string user;                                  // as typed
        std::string secret;                                // what proves it, for the throttle: of SCRAM the proof
        auth::Decision (State::*decide)() const = nullptr; // in the worker; nullptr: scram_first
        Secret password{};                                 // until the worker has it
        std::string mark{};                                // of name and secret, for the throttle
        std::string auth_message{};
        DaemonMethod::Decide daemon_decides{};
    };

    Result<priv::Later> on(CheckPassword request);
    Result<priv::Later> on(ScramFirst request);
    Result<priv::Later> on(ScramFinal request);
    // the way of an attempt
    Result<priv::Later> begin(Pending attempt);
    void hold();
    void run();
    void wait_for_worker();
    // in the worker
    [[nodiscard]] auth::JobDone work();
    [[nodiscard]] std::string work_scram_first() const;
    [[nodiscard]] auth::Decision decide_password() const;
    [[nodiscard]] auth::Decision decide_scram() const;
    [[nodiscard]] auth::Decision decide_as_daemon() const;
    [[nodiscard]] std::string account_name() const { return auth::login_name(pending->user, service.config_.domains); }
    void on_result();
    void drop_worker();
    void finish_scram_first(const std::string& bytes);
    void finish_decision(const std::string& bytes);
    void accept(const auth::Decision& decision);
    Result<UniqueFd> take_agent(const auth::Account& account);
    void complete(const auth::Decision& decision, const UniqueFd& extra);
    void refuse(const auth::Decision& decision);
    void temporary(const Error& error, std::string_view reason);
    // answers
    void reply(std::string_view payload, std::span<const int> fds = {});
    void reply_failure(const Error& error) { reply(priv::encode_failure(error)); }
    void on_timer();
    [[nodiscard]] std::vector<LogField> fields(std::string_view reason) const;
    void report(const LogEvent& event, std::string_view reason, std::string_view detail) const;

    LoginService& service;
    MonitorLink& link;
    SessionInfo info;
    LoginHooks* hooks;
    bool exempt;
    io::Timer timer;
    std::function<void()> when_timer;
    std::optional<Pending> pending;
    auth::ParkedSecret parked;
    std::optional<auth::ScramExchange> exchange;
    std::unique_ptr<auth::Worker> worker;
    std::unique_ptr<io::Watch> watch;
    bool worker_is_agent = false;
    UniqueFd agent_ours; // the channel of the agent that the worker may become
    UniqueFd agent_theirs;
    std::uint32_t refusals = 0;
    std::uint64_t ticket = 0; // of the place in the queue for a worker: an older one is void
};

LoginSession::LoginSession(LoginService& service, MonitorLink& link, const SessionInfo& info, LoginHooks* hooks)
    : state_(std::make_shared<State>(service, link, info, hooks)) {}

LoginSession::~LoginSession() = default;

void LoginSession::handle(priv::Message message) {
    const std::shared_ptr<State> state = state_; // the answer may be our end
    if (state->pending) return state->link.kill(std::string(name_of(message.type)).append(": ").append(under_way));
    handle_with<LoginRequests>(state->link, *state, message);
    wipe(message.payload);
}

// ---- the requests ----

Result<priv::Later> LoginSession::State::on(CheckPassword request) {
    exchange.reset();
    return begin({CheckPassword::row.type,
                  "password",
                  std::move(request.user),
                  {},
                  &State::decide_password,
                  std::move(request.password)});
}

Result<priv::Later> LoginSession::State::on(ScramFirst request) {
    exchange.emplace();
    exchange->user = request.user;
    exchange->client_first_bare = std::move(request.client_first_bare);
    exchange->gs2_header = std::move(request.gs2_header);
    exchange->plus = request.plus;
    return begin({ScramFirst::row.type, mechanism_of(*exchange), std::move(request.user), {}});
}

Result<priv::Later> LoginSession::State::on(ScramFinal request) {
    if (!exchange || exchange->nonce.empty()) return Error{Errc::protocol, 0, "without scram_first"};
    return begin({ScramFinal::row.type,
                  mechanism_of(*exchange),
                  exchange->user,
                  std::move(request.client_proof),
                  &State::decide_scram,
                  {},
                  {},
                  std::move(request.auth_message)});
}

Result<priv::Later> LoginSession::attempt(DaemonMethod method) {
    const std::shared_ptr<State> state = state_; // the answer may be our end
    if (state->pending) return Error{Errc::protocol, 0, std::string(under_way)};
    state->exchange.reset();
    return state->begin({method.request_type,
                         std::move(method.name),
                         std::move(method.user),
                         std::move(method.proof),
                         &State::decide_as_daemon,
                         {},
                         {},
                         {},
                         std::move(method.decide)});
}

// ---- the way of an attempt ----

Result<priv::Later> LoginSession::State::begin(Pending attempt) {
    pending = std::move(attempt);
    hold();
    return priv::Later{};
}

void LoginSession::State::hold() {
    if (refusals >= service.config_.max_attempts)
        return temporary({Errc::limit, 0, "too many refused logins in this connection"}, "too-many-attempts");
    const Millis hold = exempt ? Millis(0) : service.throttle_.hold(info.peer.source_key());
    if (hold <= Millis(0)) return run();
    if (!parked.park(std::move(pending->password)))
        return temporary({Errc::unavailable, 0, "no memory to hold a login"}, "memory");
    when_timer = [this] {
        pending->password = parked.take();
        run();
    };
    timer.start(hold);
}

// All workers are busy: first come, first served, for as long as a check itself may take.
void LoginSession::State::wait_for_worker() {
    if (!parked.park(std::move(pending->password)))
        return temporary({Errc::unavailable, 0, "no memory to hold a login"}, "memory");
    when_timer = [this] {
        ++ticket;
        (void)parked.take();
        temporary({Errc::limit, 0, "all login workers are busy"}, "workers");
    };
    timer.start(service.config_.deadline);
    service.waiting_.emplace_back([weak = weak_from_this(), place = ++ticket] {
        const auto self = weak.lock();
        if (!self || !self->pending || self->ticket != place) return; // gone, or too late
        self->timer.cancel();
        self->pending->password = self->parked.take();
        self->run();
    });
}

// A password that the users file decides makes the worker the agent, which saves a process: it keeps a channel for
// that.
void LoginSession::State::run() {
    if (service.pool_.full()) return wait_for_worker();
    std::vector<int> keep;
    if (hooks != nullptr && pending->decide == &State::decide_password) {
        auto pair = make_seqpacket_pair();
        if (!pair) return temporary(pair.error(), "workers");
        agent_ours = std::move(pair->first);
        agent_theirs = std::move(pair->second);
        keep = hooks->agent_fds();
        keep.push_back(agent_theirs.get());
    }
    auto started = service.pool_.start([this] { return work(); }, keep);
    agent_theirs.reset();
    const std::string_view secret = pending->secret.empty() ? pending->password.view() : pending->secret;
    pending->mark = service.throttle_.mark(pending->user, secret);
    pending->password = Secret();
    if (!started) return temporary(started.error(), "workers");
    worker = std::move(*started);
    watch = std::make_unique<io::Watch>(link.loop(), worker->fd(), io::Interest::read,
                                        [this](io::Interest) { on_result(); });
    when_timer = [this] { temporary({Errc::timeout, 0, "the password check took too long"}, "deadline"); };
    timer.start(service.config_.deadline);
}

// The first octet of a decision says whether the worker goes on.
auth::JobDone LoginSession::State::work() {
    if (pending->decide == nullptr) return work_scram_first();
    const auth::Decision decision = (this->*pending->decide)();
    pending->password = Secret();
    const bool goes_on =
        agent_theirs.valid() && decision.outcome == auth::Outcome::accepted && decision.nothing_foreign;
    std::string result(1, goes_on ? '\1' : '\0');
    result.append(auth::encode_decision(decision));
    if (!goes_on) return result;
    return {std::move(result),
            [this, account = decision.account] { return hooks->become_agent(account, std::move(agent_theirs)); }};
}

std::string LoginSession::State::work_scram_first() const {
    return priv::answer_payload<auth::ScramStart>(
        auth::scram_start(service.config_.users_file, account_name(), service.scram_secret_));
}

auth::Decision LoginSession::State::decide_scram() const {
    if (!exchange->bound(pending->auth_message)) return wrong_exchange();
    return auth::scram_finish(service.config_.users_file, account_name(), pending->auth_message, pending->secret);
}

auth::Decision LoginSession::State::decide_as_daemon() const {
    return pending->daemon_decides(service.config_.users_file, account_name());
}

auth::Decision LoginSession::State::decide_password() const {
    const LoginConfig& config = service.config_;
    const std::string name = account_name();
    const auto backends = service.make_backends_(config);
    std::vector<auth::Backend*> order;
    for (const auto& backend : backends) order.push_back(backend.get());
    const std::string rip = info.peer.ip();
    auth::Attempt attempt;
    attempt.user = name;
    attempt.password = pending->password.view();
    attempt.service = config.service;
    attempt.pam_service = config.pam_service;
    attempt.rip = rip;
    auth::Hasher hasher;
    return auth::decide(order, attempt, hasher);
}

void LoginSession::State::on_result() {
    auto result = worker->read();
    if (!result) return;
    watch.reset();
    timer.cancel();
    const bool decided = pending->decide != nullptr;
    worker_is_agent = result->ok() && decided && (*result)->front() == '\1';
    if (!worker_is_agent) drop_worker();
    if (!*result) return temporary(result->error(), "worker");
    decided ? finish_decision((*result)->substr(1)) : finish_scram_first(**result);
}

void LoginSession::State::drop_worker() {
    watch.reset();
    timer.cancel();
    if (!worker) return;
    worker.reset();
    service.reap();
}

void LoginSession::State::finish_scram_first(const std::string& bytes) {
    const auto answer = priv::decode_answer(bytes);
    if (!answer) return temporary({Errc::unavailable, 0, answer.error().text}, "users-file");
    const auto begun = from_bytes<auth::ScramStart>(*answer);
    if (!begun) return temporary({Errc::unavailable, 0, begun.error().text}, "worker");
    const auto theirs = auth::client_nonce(exchange->client_first_bare);
    if (!theirs) {
        exchange.reset();
        return reply_failure(theirs.error());
    }
    const std::string ours = auth::base64(auth::random_bytes(18));
    exchange->nonce = std::string(*theirs) + ours;
    exchange->server_first = auth::scram_server_first(*theirs, ours, begun->salt, begun->iterations);
    reply(priv::answer_payload<ServerFirst>({{exchange->server_first}}));
}

void LoginSession::State::finish_decision(const std::string& bytes) {
    auto decision = auth::decode_decision(bytes);
    if (!decision) return temporary({Errc::unavailable, 0, decision.error().text}, "worker");
    if (decision->outcome == auth::Outcome::unavailable)
        return temporary({Errc::unavailable, 0, decision->detail}, decision->reason);
    if (decision->outcome != auth::Outcome::accepted) return refuse(*decision);
    accept(*decision);
}

void LoginSession::State::accept(const auth::Decision& decision) {
    exchange.reset();
    service.throttle_.succeeded(info.peer.source_key());
    if (hooks == nullptr) return complete(decision, UniqueFd());
    if (const Status welcome = hooks->on_login(decision.account); !welcome)
        return temporary(welcome.error(), welcome.error().code == Errc::too_soon ? "login-delay" : "agent");
    const auto channel = take_agent(decision.account);
    if (!channel) return temporary(channel.error(), "agent");
    LoginService& logins = service; // the answer may be our end
    complete(decision, *channel);
    logins.reap(); // a worker that goes on as the agent counts no longer
}

Result<UniqueFd> LoginSession::State::take_agent(const auth::Account& account) {
    if (!worker_is_agent) return hooks->start_agent(account);
    const pid_t pid = worker->release();
    worker.reset();
    hooks->adopt_agent(account, pid);
    return std::move(agent_ours);
}

void LoginSession::State::complete(const auth::Decision& decision, const UniqueFd& extra) {
    auto line = fields({});
    line.push_back({"account", decision.account.name});
    log(event::auth_ok, line);
    const int fd = extra.get();
    reply(priv::answer_payload<LoggedIn>({{decision.account.name, decision.server_final}}),
          extra.valid() ? std::span<const int>(&fd, 1) : std::span<const int>());
}

void LoginSession::State::refuse(const auth::Decision& decision) {
    exchange.reset();
    ++refusals;
    report(event::auth_fail, decision.reason, decision.detail);
    const bool last = refusals >= service.config_.max_attempts;
    // The net process hears no reason: that stays in the log.
    when_timer = [this, last] { reply_failure({last ? Errc::last_try : Errc::denied, 0, "refused"}); };
    timer.start(exempt ? Millis(0) : service.throttle_.failed(info.peer.source_key(), pending->mark));
}

void LoginSession::State::temporary(const Error& error, std::string_view reason) {
    drop_worker();
    exchange.reset();
    report(event::auth_temp, reason, error.describe());
    reply_failure(error);
}

// ---- answers ----

void LoginSession::State::reply(std::string_view payload, std::span<const int> fds) {
    const std::uint16_t type = pending->type;
    pending.reset();
    agent_ours.reset();
    link.answer(type, payload, fds);
}

void LoginSession::State::on_timer() {
    const auto action = std::move(when_timer);
    when_timer = nullptr;
    action();
}

std::vector<LogField> LoginSession::State::fields(std::string_view reason) const {
    std::vector<LogField> out{{"service", service.config_.service},
                              {"rip", info.peer.ip()},
                              {"rport", std::to_string(info.peer.port())},
                              {"user", pending->user},
                              {"method", pending->method}};
    if (!reason.empty()) out.push_back({"reason", std::string(reason)});
    out.push_back({"session", std::to_string(info.id)});
    return out;
}

void LoginSession::State::report(const LogEvent& event, std::string_view reason, std::string_view detail) const {
    auto line = fields(reason);
    if (!detail.empty()) line.push_back({"error", std::string(detail)});
    log(event, line);
}

} // namespace posada::service
