// SPDX-License-Identifier: BSD-2-Clause
// One connection's logins. An attempt goes: (held while its source is penalised) -> worker -> verdict, logged at once
// -> answer, late if it is a refusal. At most one attempt at a time; destroying the session ends it wherever it is.
#include "common/service/login.h"

#include "common/auth/parked_secret.h"
#include "common/auth/scram.h"
#include "common/base/bytes.h"
#include "common/base/log.h"

namespace posada::service {

namespace {

// What one request is about, until it is answered.
struct Pending {
    std::uint16_t type = 0;
    std::string user; // as typed
    std::string method;
    Secret password;  // until the worker has it
    std::string mark; // of name and password, for the throttle
    std::string auth_message;
    std::string proof; // of SCRAM; the digest of APOP
};

// For the log.
std::string_view login_request_name(std::uint16_t type) {
    for (const priv::RequestInfo& row : login_requests)
        if (row.type == type) return row.name;
    return type == apop_row.type ? apop_row.name : "login request";
}

// What is said to the net process; the reasons stay in the log.
Error refused(std::string text) { return Error{Errc::denied, 0, std::move(text)}; }

auth::Decision wrong_exchange() {
    auth::Decision out;
    out.outcome = auth::Outcome::refused;
    out.reason = "wrong-exchange";
    return out;
}

std::string body_of(std::string_view first, std::string_view second = {}, bool two = false) {
    Writer w;
    w.str(first);
    if (two) w.str(second);
    return w.take();
}

} // namespace

struct LoginSession::State : std::enable_shared_from_this<LoginSession::State> {
    State(LoginService& s, MonitorLink& l, SessionInfo i, LoginHooks* h)
        : service(s), link(l), info(std::move(i)), hooks(h), exempt(contains(s.config().exempt, info.peer)),
          timer(l.loop(), [this] { on_timer(); }) {}
    ~State() { drop_worker(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    // decoding
    Status take(priv::Message& message);
    Status take_password(Reader& in);
    Status take_scram_first(Reader& in);
    Status take_scram_final(Reader& in);
    Status take_apop(Reader& in);
    // the way of an attempt
    void begin();
    void run();
    void wait_for_worker();
    // in the worker
    [[nodiscard]] auth::JobDone work();
    [[nodiscard]] auth::JobDone work_password();
    [[nodiscard]] std::string work_scram_first() const;
    [[nodiscard]] auth::Decision work_decide() const;
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
    std::uint64_t attempts = 0; // that had to wait for a worker
};

LoginSession::LoginSession(LoginService& service, MonitorLink& link, const SessionInfo& info, LoginHooks* hooks)
    : state_(std::make_shared<State>(service, link, info, hooks)) {}

LoginSession::~LoginSession() = default;

void LoginSession::handle(std::size_t, priv::Message message) {
    const std::string name(login_request_name(message.type));
    if (state_->pending) return state_->link.kill(name + ": while a login is under way");
    const Status taken = state_->take(message);
    wipe(message.payload);
    if (!taken) return state_->link.kill(name + ": " + taken.error().text);
    if (state_->pending) state_->begin();
}

// ---- decoding ------------------------------------------------------------------------------------------------------

Status LoginSession::State::take(priv::Message& message) {
    Reader in(message.payload);
    pending.emplace();
    pending->type = message.type;
    Status status = Error{Errc::protocol, 0, "not a login request"};
    if (message.type == check_password_request) status = take_password(in);
    if (message.type == scram_first_request) status = take_scram_first(in);
    if (message.type == scram_final_request) status = take_scram_final(in);
    if (message.type == check_apop_request) status = take_apop(in);
    if (!status) pending.reset();
    return status;
}

Status LoginSession::State::take_password(Reader& in) {
    pending->method = "password";
    pending->user = in.str();
    pending->password = Secret(in.str());
    exchange.reset();
    return in.finish();
}

Status LoginSession::State::take_scram_first(Reader& in) {
    auth::ScramExchange next;
    next.user = in.str();
    next.client_first_bare = in.str();
    next.gs2_header = in.str();
    const std::string mechanism(in.str());
    RETURN_IF_ERROR(in.finish());
    next.plus = mechanism == "SCRAM-SHA-256-PLUS";
    if (!next.plus && mechanism != "SCRAM-SHA-256") return Error{Errc::protocol, 0, "unknown mechanism"};
    pending->method = mechanism;
    pending->user = next.user;
    exchange = std::move(next);
    return {};
}

Status LoginSession::State::take_scram_final(Reader& in) {
    pending->auth_message = in.str();
    pending->proof = in.str();
    RETURN_IF_ERROR(in.finish());
    if (!exchange || exchange->nonce.empty()) return Error{Errc::protocol, 0, "without scram_first"};
    pending->method = exchange->plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
    pending->user = exchange->user;
    return {};
}

// The challenge is the one this monitor made for this connection: a digest seen elsewhere is worth nothing here.
Status LoginSession::State::take_apop(Reader& in) {
    pending->method = "APOP";
    pending->user = in.str();
    pending->proof = in.str();
    exchange.reset();
    RETURN_IF_ERROR(in.finish());
    if (info.challenge.empty()) return Error{Errc::protocol, 0, "without a challenge"};
    return {};
}

// ---- the way of an attempt
// -------------------------------------------------------------------------------------------

void LoginSession::State::begin() {
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
        ++attempts;
        (void)parked.take();
        temporary({Errc::limit, 0, "all login workers are busy"}, "workers");
    };
    timer.start(service.config_.deadline);
    service.waiting_.emplace_back([weak = weak_from_this(), attempt = ++attempts] {
        const auto self = weak.lock();
        if (!self || !self->pending || self->attempts != attempt) return; // gone, or too late
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
    if (hooks != nullptr && pending->type == check_password_request) {
        auto pair = make_seqpacket_pair();
        if (!pair) return temporary(pair.error(), "workers");
        agent_ours = std::move(pair->first);
        agent_theirs = std::move(pair->second);
        keep = hooks->agent_fds();
        keep.push_back(agent_theirs.get());
    }
    auto started = service.pool_.start([this] { return work(); }, keep);
    agent_theirs.reset();
    const bool by_proof = pending->type == scram_final_request || pending->type == check_apop_request;
    pending->mark = service.throttle_.mark(pending->user, by_proof ? pending->proof : pending->password.view());
    pending->password = Secret();
    if (!started) return temporary(started.error(), "workers");
    worker = std::move(*started);
    watch = std::make_unique<io::Watch>(link.loop(), worker->fd(), io::Interest::read,
                                        [this](io::Interest) { on_result(); });
    when_timer = [this] { temporary({Errc::timeout, 0, "the password check took too long"}, "deadline"); };
    timer.start(service.config_.deadline);
}

auth::JobDone LoginSession::State::work() {
    if (pending->type == scram_first_request) return work_scram_first();
    if (pending->type == check_password_request) return work_password();
    return auth::encode_decision(work_decide());
}

// The first octet of the result says whether the worker goes on.
auth::JobDone LoginSession::State::work_password() {
    const auth::Decision decision = work_decide();
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
    const LoginConfig& config = service.config_;
    const std::string name = auth::login_name(pending->user, config.domains);
    const auto begun = auth::scram_start(config.users_file, name, service.scram_secret_);
    if (!begun) return priv::encode_failure(begun.error());
    Writer w;
    w.str(begun->salt);
    w.u32(begun->iterations);
    return priv::encode_ok(w.bytes());
}

auth::Decision LoginSession::State::work_decide() const {
    const LoginConfig& config = service.config_;
    const std::string name = auth::login_name(pending->user, config.domains);
    if (pending->type == scram_final_request && !exchange->bound(pending->auth_message)) return wrong_exchange();
    if (pending->type == scram_final_request)
        return auth::scram_finish(config.users_file, name, pending->auth_message, pending->proof);
    if (pending->type == check_apop_request)
        return auth::apop_check(config.users_file, name, info.challenge, pending->proof);
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
    worker_is_agent = result->ok() && pending->type == check_password_request && (*result)->front() == '\1';
    if (!worker_is_agent) drop_worker();
    if (!*result) return temporary(result->error(), "worker");
    if (pending->type == scram_first_request) return finish_scram_first(**result);
    finish_decision(pending->type == check_password_request ? (*result)->substr(1) : **result);
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
    Reader r(*answer);
    const std::string salt(r.str());
    const std::uint32_t iterations = r.u32();
    if (!r.finish()) return temporary({Errc::unavailable, 0, "malformed worker result"}, "worker");
    const auto theirs = auth::client_nonce(exchange->client_first_bare);
    if (!theirs) {
        exchange.reset();
        return reply_failure(theirs.error());
    }
    const std::string ours = auth::base64(auth::random_bytes(18));
    exchange->nonce = std::string(*theirs) + ours;
    exchange->server_first = auth::scram_server_first(*theirs, ours, salt, iterations);
    reply(priv::encode_ok(body_of(exchange->server_first)));
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
        return temporary(welcome.error(), welcome.error().text == login_too_soon ? "login-delay" : "agent");
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
    const bool scram = pending->type == scram_final_request;
    const std::string body =
        scram ? body_of(decision.server_final, decision.account.name, true) : body_of(decision.account.name);
    const int fd = extra.get();
    link.set_phase(priv::after_login);
    reply(priv::encode_ok(body), extra.valid() ? std::span<const int>(&fd, 1) : std::span<const int>());
}

void LoginSession::State::refuse(const auth::Decision& decision) {
    exchange.reset();
    ++refusals;
    report(event::auth_fail, decision.reason, decision.detail);
    const bool last = refusals >= service.config_.max_attempts;
    when_timer = [this, last] { reply_failure(refused(last ? std::string(last_attempt) : "refused")); };
    timer.start(exempt ? Millis(0) : service.throttle_.failed(info.peer.source_key(), pending->mark));
}

void LoginSession::State::temporary(const Error& error, std::string_view reason) {
    drop_worker();
    exchange.reset();
    report(event::auth_temp, reason, error.describe());
    reply_failure(error);
}

// ---- answers
// ---------------------------------------------------------------------------------------------------------

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
