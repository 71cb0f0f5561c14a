// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/relay.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"

namespace posada::smtpd {

namespace {
constexpr std::uint16_t rows_per_lease = 50; // what a crash may repeat at most
constexpr Millis idle_patience{5'000};       // a server's slot is not ours to keep
constexpr std::size_t no_route = ~std::size_t{0};
} // namespace

struct Relay::Job {
    Lease lease;
    UniqueFd body;
    std::size_t route = no_route;
    std::size_t next = 0; // message
    std::vector<RowResult> results;
    std::shared_ptr<Link> link;
    bool reused = false; // the link had served before: that it is closed now says nothing
    bool tried_plain = false;
};

struct Relay::Link {
    std::uint64_t owner = 0; // number of the lease it works for; 0 = parked
    std::size_t route = no_route;
    std::unique_ptr<RelayConnection> connection;
    std::unique_ptr<io::Timer> timer; // while parked
};

Relay::Relay(io::Loop& loop, RelayConfig config) : loop_(loop), config_(std::move(config)) {}

Relay::~Relay() = default;

std::size_t Relay::route_of(const std::string& domain) const {
    for (std::size_t i = 0; i < config_.routes.size(); ++i)
        if (config_.routes[i].domain == "*" || iequals(config_.routes[i].domain, domain)) return i;
    return no_route;
}

// One of its own callbacks may be running.
void Relay::release(std::shared_ptr<Link> link) {
    if (!link) return;
    link->owner = 0;
    loop_.defer([gone = std::move(link)] {});
}

// ---- the queue's side ----

void Relay::connect(UniqueFd queue) {
    lose_everything();
    queue_ = std::make_unique<service::RequestClient>(loop_, std::move(queue), 1, [this] { lose_everything(); });
    ask_for_work();
}

void Relay::lose_everything() {
    asked_ = 0;
    for (auto& [number, job] : jobs_) release(std::move(job->link));
    loop_.defer([jobs = std::make_shared<decltype(jobs_)>(std::move(jobs_))] {});
    jobs_.clear();
    if (on_idle_) loop_.defer(std::exchange(on_idle_, nullptr));
}

void Relay::ask_for_work() {
    while (!stopping_ && asked_ < config_.concurrency && queue_ && !queue_->closed()) {
        ++asked_;
        const std::uint64_t number = ++last_number_;
        queue_->ask(number, TakeLease{rows_per_lease},
                    [this, number](auto answer) { on_lease(number, std::move(answer)); });
    }
}

void Relay::on_lease(std::uint64_t number, Result<priv::Answered<Lease>> answer) {
    if (!answer && answer.error().code == Errc::closed) return; // lose_everything() follows
    if (!answer || !well_formed(answer->body, RecipientKind::route) || answer->fds.size() != 1) {
        log(event::answer_breach, {{"what", "the queue handed out a malformed lease"}});
        return;
    }
    auto job = std::make_unique<Job>();
    job->lease = std::move(answer->body);
    job->body = std::move(answer->fds[0]);
    job->route = route_of(job->lease.destination);
    jobs_.emplace(number, std::move(job));
    start(number);
}

void Relay::report(std::uint64_t number) {
    const auto found = jobs_.find(number);
    Job& job = *found->second;
    LeaseReport report{std::move(job.results), {}};
    tame(report);
    queue_->ask(number, EndLease{std::move(report)}, [](const auto&) {});
    if (job.link) park(std::move(job.link));
    loop_.defer([gone = std::shared_ptr<Job>(std::move(found->second))] {});
    jobs_.erase(number);
    if (asked_ > 0) --asked_;
    ask_for_work();
    if (stopping_ && jobs_.empty() && on_idle_) loop_.defer(std::exchange(on_idle_, nullptr));
}

void Relay::stop(std::function<void()> on_idle) {
    stopping_ = true;
    on_idle_ = std::move(on_idle);
    if (jobs_.empty() && on_idle_) loop_.defer(std::exchange(on_idle_, nullptr));
}

// ---- the servers' side ----

std::shared_ptr<Relay::Link> Relay::take_parked(std::size_t route) {
    const auto found = std::find_if(parked_.begin(), parked_.end(), [&](const auto& l) { return l->route == route; });
    if (found == parked_.end()) return nullptr;
    std::shared_ptr<Link> link = std::move(*found);
    parked_.erase(found);
    link->timer->cancel();
    return link;
}

void Relay::unpark(Link* link) {
    const auto found = std::find_if(parked_.begin(), parked_.end(), [&](const auto& l) { return l.get() == link; });
    if (found == parked_.end()) return;
    release(std::move(*found));
    parked_.erase(found);
}

void Relay::park(std::shared_ptr<Link> link) {
    link->owner = 0;
    if (stopping_ || !link->connection->idle()) return release(std::move(link));
    link->timer = std::make_unique<io::Timer>(loop_, [raw = link.get()] { raw->connection->quit(); });
    link->timer->start(idle_patience);
    parked_.push_back(std::move(link));
}

void Relay::start(std::uint64_t number) {
    Job& job = *jobs_.at(number);
    if (job.route == no_route)
        return on_closed(number, {0, RowOutcome::deferred, "4.4.4", "no [[smtpd.route]] for this domain", ""}, false);
    if (auto link = take_parked(job.route)) {
        link->owner = number;
        job.link = std::move(link);
        job.reused = true;
        return next_message(number);
    }
    open(number, false);
}

void Relay::open(std::uint64_t number, bool without_tls) {
    Job& job = *jobs_.at(number);
    const Route& route = config_.routes[job.route];
    auto address = io::Address::parse(route.host, route.port);
    if (!address) return on_closed(number, {0, RowOutcome::deferred, "4.4.4", address.error().describe(), ""}, false);
    RelayOptions options{config_.hostname, route.host, without_tls ? RouteTls::none : route.tls};
    auto tls = route.tls == RouteTls::required ? config_.verified : config_.any_certificate;
    job.tried_plain = without_tls;
    job.reused = false;
    job.link = std::make_shared<Link>();
    job.link->owner = number;
    job.link->route = job.route;
    job.link->connection = std::make_unique<RelayConnection>(loop_, RelayTarget{*address, route.host, std::move(tls)},
                                                             std::move(options), events_of(job.link.get()));
}

RelayEvents Relay::events_of(Link* link) {
    RelayEvents events;
    events.on_ready = [this, link] {
        if (link->owner != 0) next_message(link->owner);
    };
    events.on_outcome = [this, link](std::vector<RowResult> results) {
        if (link->owner != 0) on_outcome(link->owner, std::move(results));
    };
    events.on_closed = [this, link](RowResult reason, bool without_tls) {
        if (link->owner != 0) return on_closed(link->owner, std::move(reason), without_tls);
        unpark(link);
    };
    return events;
}

void Relay::on_outcome(std::uint64_t number, std::vector<RowResult> results) {
    Job& job = *jobs_.at(number);
    const LeaseMessage& message = job.lease.messages[job.next - 1];
    for (const RowResult& result : results) {
        if (result.outcome != RowOutcome::delivered) continue;
        const auto row = std::find_if(message.rows.begin(), message.rows.end(),
                                      [&](const LeaseRow& r) { return r.row == result.row; });
        log(event::mail_relayed, {{"queue-id", message.queue_id},
                                  {"to", row == message.rows.end() ? std::string() : row->address},
                                  {"remote", result.remote},
                                  {"tls", job.link->connection->tls_active() ? "yes" : "no"},
                                  {"reply", result.text}});
    }
    std::move(results.begin(), results.end(), std::back_inserter(job.results));
}

void Relay::next_message(std::uint64_t number) {
    Job& job = *jobs_.at(number);
    if (job.next == job.lease.messages.size()) {
        report(number);
        return;
    }
    const LeaseMessage& message = job.lease.messages[job.next++];
    job.link->connection->begin({message.sender, message.body_8bit, message.size, message.rows}, job.body.get(),
                                message.offset);
}

// Rows without an outcome get the reason.
void Relay::on_closed(std::uint64_t number, RowResult reason, bool without_tls) {
    Job& job = *jobs_.at(number);
    release(std::move(job.link));
    if (without_tls && !job.tried_plain && job.next == 0) return open(number, true);
    if (job.reused && job.results.empty()) { // it had been closed while it was parked
        job.next = 0;
        return open(number, false);
    }
    for (const LeaseMessage& message : job.lease.messages) {
        for (const LeaseRow& row : message.rows) {
            const auto has = [&](const RowResult& r) { return r.row == row.row; };
            if (std::any_of(job.results.begin(), job.results.end(), has)) continue;
            job.results.push_back(reason);
            job.results.back().row = row.row;
        }
    }
    report(number);
}

} // namespace posada::smtpd
