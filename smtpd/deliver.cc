// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/deliver.h"

#include <signal.h>

#include <algorithm>
#include <vector>

#include "common/base/fork.h"
#include "common/base/log.h"
#include "smtpd/mailbox_writer.h"

namespace posada::smtpd {

struct Deliver::Agent {
    Agent(io::Loop& loop, std::function<void()> on_timer) : timer(loop, std::move(on_timer)) {}
    pid_t pid = -1;
    bool busy = false;
    bool too_slow = false;
    std::unique_ptr<service::RequestClient> client;
    io::Timer timer; // busy: deadline; idle: end
    Instant started{};
};

namespace {

// What the agent says is checked against the lease: rows that are not of it are dropped, rows it forgot are deferred.
std::vector<RowResult> match(const Lease& lease, std::vector<RowResult> said) {
    std::vector<RowResult> results;
    for (const LeaseMessage& message : lease.messages) {
        for (const LeaseRow& row : message.rows) {
            const auto found =
                std::find_if(said.begin(), said.end(), [&](const RowResult& r) { return r.row == row.row; });
            if (found != said.end()) {
                results.push_back(std::move(*found));
                found->row = 0;
            } else {
                results.push_back({row.row, RowOutcome::deferred, "4.3.0", "the delivery agent said nothing", ""});
            }
        }
    }
    return results;
}

std::vector<RowResult> all_failed(const Lease& lease, const Error& error) {
    std::vector<RowResult> results;
    for (const LeaseMessage& message : lease.messages)
        for (const LeaseRow& row : message.rows) results.push_back(result_of_error(row.row, error));
    return results;
}

void log_delivered(const Lease& lease, const std::vector<RowResult>& results) {
    std::size_t n = 0;
    for (const LeaseMessage& message : lease.messages) {
        for (const LeaseRow& row : message.rows) {
            if (results[n++].outcome != RowOutcome::delivered) continue;
            log(event::mail_delivered, {{"queue-id", message.queue_id},
                                        {"to", row.address},
                                        {"size", std::to_string(message.size)},
                                        {"attempts", std::to_string(row.attempts + 1)}});
        }
    }
}

} // namespace

Deliver::Deliver(io::Loop& loop, priv::Reaper& reaper, DeliverConfig config)
    : loop_(loop), reaper_(reaper), config_(std::move(config)) {
    auto sandbox = priv::prepare_sandbox(priv::SandboxProfile::agent_files, config_.sandbox, config_.log_fd);
    if (sandbox) sandbox_ = std::move(*sandbox);
    if (!sandbox) sandbox_ready_ = sandbox.error();
}

Deliver::~Deliver() {
    queue_.reset();
    while (!agents_.empty()) kill_agent(std::string(agents_.begin()->first));
}

// ---- the queue's side ----

void Deliver::connect(UniqueFd queue, std::function<void()> on_lost) {
    asked_ = 0;
    first_number_ = last_number_ + 1;
    queue_ = std::make_unique<service::RequestClient>(loop_, std::move(queue), 1, std::move(on_lost));
    ask_for_work();
}

void Deliver::ask_for_work() {
    while (!stopping_ && asked_ < config_.concurrency && queue_ && !queue_->closed()) {
        ++asked_;
        request_lease(++last_number_);
    }
}

void Deliver::request_lease(std::uint64_t number) {
    const TakeLease wanted{static_cast<std::uint16_t>(std::min<std::uint32_t>(config_.batch, 0xffff))};
    queue_->ask(number, wanted, [this, number](auto answer) { on_lease(number, std::move(answer)); });
}

void Deliver::on_lease(std::uint64_t number, Result<priv::Answered<Lease>> answer) {
    if (!answer && answer.error().code == Errc::closed) return; // the queue is gone: connect() begins anew
    if (!answer || !well_formed(answer->body, RecipientKind::local) || answer->fds.size() != 1) {
        log(event::answer_breach, {{"what", "the queue handed out a malformed lease"}});
        return;
    }
    hand_over(number, std::make_shared<DeliverLease>(DeliverLease{std::move(answer->body)}), std::move(answer->fds[0]));
}

void Deliver::hand_over(std::uint64_t number, std::shared_ptr<const DeliverLease> work, UniqueFd body) {
    const Lease* lease = &work->lease;
    const std::string& address = lease->destination;
    auto agent = agent_for(address);
    if (!agent) return finish(number, *lease, {all_failed(*lease, agent.error()), {}});
    ++busy_;
    (*agent)->busy = true;
    (*agent)->timer.start(config_.deadline);
    const int fd = body.get();
    (*agent)->client->ask(number, *work,
                          [this, number, work](auto answer) {
                              on_answer(number, work->lease.destination, work->lease, std::move(answer));
                          },
                          {&fd, 1});
}

void Deliver::on_answer(std::uint64_t number, const std::string& address, const Lease& lease,
                        Result<priv::Answered<LeaseReport>> answer) {
    --busy_;
    Agent& agent = *agents_.at(address);
    agent.busy = false;
    LeaseReport report;
    if (answer) {
        tame(answer->body);
        report = {match(lease, std::move(answer->body.results)), answer->body.space};
        const bool old = loop_.clock().now() - agent.started >= config_.renew_after;
        agent.timer.start(config_.idle_after);
        if (old) dismiss(address);
    } else {
        Error error = answer.error();
        if (agent.too_slow) error = Error{Errc::timeout, 0, "deadline"};
        if (error.code == Errc::closed || error.code == Errc::protocol || error.code == Errc::timeout)
            log(event::agent_fail, {{"address", address}, {"error", error.describe()}});
        report.results = all_failed(lease, error);
        kill_agent(address); // the next attempt starts with a fresh look at the account
    }
    finish(number, lease, std::move(report));
}

void Deliver::finish(std::uint64_t number, const Lease& lease, LeaseReport report) {
    log_delivered(lease, report.results);
    if (queue_ && !queue_->closed()) queue_->ask(number, EndLease{std::move(report)}, [](const auto&) {});
    finished(number);
}

void Deliver::finished(std::uint64_t number) {
    if (number >= first_number_) --asked_;
    if (!stopping_) return ask_for_work();
    // The last report must have left: the queue's answers come through the loop.
    if (busy_ == 0 && on_idle_) loop_.defer(std::exchange(on_idle_, nullptr));
}

void Deliver::stop(std::function<void()> on_idle) {
    stopping_ = true;
    on_idle_ = std::move(on_idle);
    if (busy_ == 0) loop_.defer(std::exchange(on_idle_, nullptr));
}

// ---- the agents' side ----

Result<Deliver::Agent*> Deliver::agent_for(const std::string& address) {
    const auto found = agents_.find(address);
    if (found != agents_.end() && found->second->busy) return Error{Errc::busy, 0, "the mailbox is being written to"};
    if (found != agents_.end()) return found->second.get();
    dismiss_idle_ones();
    auto agent = start_agent(address);
    if (!agent) return agent.error();
    return agents_.emplace(address, std::move(*agent)).first->second.get();
}

Result<std::unique_ptr<Deliver::Agent>> Deliver::start_agent(const std::string& address) {
    auto pair = make_seqpacket_pair();
    if (!pair) return pair.error();
    RETURN_IF_ERROR(sandbox_ready_);
    const AgentSetup setup{address, config_.hostname, config_.sources, config_.change_user, config_.limits};
    const int log_fd = config_.log_fd;
    auto pid = fork_process([&]() -> int {
        pair->first.reset();
        return agent_process(setup, std::move(pair->second), log_fd, sandbox_);
    });
    if (!pid) return pid.error();
    auto agent = std::make_unique<Agent>(
        loop_, [this, address] { agents_.at(address)->busy ? kill_agent(address) : dismiss(address); });
    agent->pid = *pid;
    agent->started = loop_.clock().now();
    agent->client = std::make_unique<service::RequestClient>(loop_, std::move(pair->first), 0, nullptr);
    reaper_.add(*pid, [](int) {});
    log(event::agent_start, {{"address", address}, {"pid", std::to_string(*pid)}});
    return agent;
}

// The request under way is answered by the end of its channel.
void Deliver::kill_agent(const std::string& address) {
    const auto found = agents_.find(address);
    if (found == agents_.end()) return;
    Agent& agent = *found->second;
    if (agent.pid > 0) ::kill(agent.pid, SIGKILL);
    if (agent.busy && queue_) {
        agent.too_slow = true;
    } else {
        dismiss(address);
    }
}

// It ends when its channel closes.
void Deliver::dismiss(const std::string& address) {
    const auto found = agents_.find(address);
    if (found == agents_.end()) return;
    loop_.defer([gone = std::shared_ptr<Agent>(std::move(found->second))] {}); // we may be inside its callback
    agents_.erase(found);
}

// Twice as many agents as can work at once, at most.
void Deliver::dismiss_idle_ones() {
    for (auto it = agents_.begin(); it != agents_.end() && agents_.size() >= 2 * config_.concurrency;) {
        const auto next = std::next(it);
        if (!it->second->busy) dismiss(std::string(it->first));
        it = next;
    }
}

} // namespace posada::smtpd
