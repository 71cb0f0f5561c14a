// SPDX-License-Identifier: BSD-2-Clause
// Taking in and handing out. What is written about results is in queue_results.cc.
#include "smtpd/queue.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"
#include "smtpd/lease_builder.h"

namespace posada::smtpd {

namespace {

constexpr std::size_t max_address = 330; // 64 + @ + 255 (RFC 5321 4.5.3.1), and quotes
constexpr std::size_t max_recipients_in_memory = 100'000;
// One agent per mailbox: it gets what has gathered meanwhile. Servers bear a few connections of ours.
constexpr unsigned leases_per_mailbox = 1;
constexpr unsigned leases_per_domain = 4;

bool recoverable(const Error& error) { return error.code == Errc::no_space || error.code == Errc::busy; }

} // namespace

std::optional<RecipientKind> classify_address(const QueueConfig& config, std::string_view address) {
    const std::size_t at = address.rfind('@');
    const std::string domain = at == std::string_view::npos ? std::string() : ascii_lower(address.substr(at + 1));
    if (domain.empty() || std::find(config.domains.begin(), config.domains.end(), domain) != config.domains.end())
        return RecipientKind::local;
    for (const Route& route : config.routes)
        if (route.domain == "*" || iequals(route.domain, domain)) return RecipientKind::route;
    return std::nullopt;
}

Queue::Queue(QueueConfig config, std::unique_ptr<Spool> spool, const Clock& clock)
    : config_(std::move(config)), spool_(std::move(spool)), clock_(clock),
      active_(config_.active_rows, leases_per_mailbox, leases_per_domain),
      spaces_(config_.options.quota_recheck, config_.max_message_size),
      chance_(static_cast<std::uint32_t>(clock.unix_micros())) {}

// ---- taking in ----

Status Queue::take_octets(Incoming& incoming, int fd, bool last) {
    struct stat st {};
    if (::fstat(fd, &st) != 0) return errno_error("a message's descriptor");
    const auto size = static_cast<std::uint64_t>(st.st_size);
    if (size > max_memfd) return Error{Errc::protocol, 0, "a message part is too large"};
    incoming.octets += size;
    if (incoming.octets > config_.max_message_size + max_memfd)
        return Error{Errc::limit, 0, "message exceeds max_message_size"};
    if (last && incoming.file.id() == 0) {
        if (pending_octets_ + size > config_.memory) return Error{Errc::limit, 0, "spool_memory is used up"};
        incoming.body.resize(size);
        return read_range(fd, 0, incoming.body.data(), size);
    }
    if (incoming.file.id() == 0) {
        auto file = spool_->new_body_file();
        if (!file) return file.error();
        incoming.file = std::move(*file);
    }
    return incoming.file.append(fd, size);
}

void Queue::add_part(Incoming& incoming, int fd) {
    if (!incoming.failed) return;
    incoming.failed = take_octets(incoming, fd, false);
    if (incoming.failed) return;
    if (incoming.failed.error().code == Errc::io) fatal_ = incoming.failed;
    spool_->discard(incoming.file);
}

Status Queue::check_envelope(const Incoming& incoming, const Envelope& envelope) const {
    if (incoming.octets != envelope.size)
        return Error{Errc::protocol, 0,
                     "the message has " + std::to_string(incoming.octets) + " octets, not " +
                         std::to_string(envelope.size)};
    const auto bad = [](const Recipient& r) { return r.address.size() > max_address; };
    if (envelope.recipients.empty() || envelope.recipients.size() > max_recipients_in_memory ||
        envelope.sender.size() > max_address ||
        std::any_of(envelope.recipients.begin(), envelope.recipients.end(), bad))
        return Error{Errc::invalid, 0, "the envelope cannot be stored"};
    return {};
}

void Queue::submit(Incoming incoming, int fd, Envelope envelope, OnQueued on_queued) {
    std::move(incoming.more_recipients.begin(), incoming.more_recipients.end(),
              std::back_inserter(envelope.recipients));
    incoming.more_recipients.clear();
    if (incoming.failed) incoming.failed = take_octets(incoming, fd, true);
    if (incoming.failed) incoming.failed = check_envelope(incoming, envelope);
    if (!incoming.failed) {
        if (incoming.failed.error().code == Errc::io) fatal_ = incoming.failed;
        spool_->discard(incoming.file);
        return on_queued(incoming.failed.error());
    }
    envelope.received = clock_.unix_now();
    pending_octets_ += incoming.body.size();
    pending_.push_back({std::move(incoming), std::move(envelope), std::move(on_queued)});
}

Status Queue::write_pending(std::vector<StoredMail>& stored) {
    for (Pending& pending : pending_) {
        BodyFile& file = pending.incoming.file;
        auto mail = file.id() != 0 ? spool_->insert(pending.envelope, file)
                                   : spool_->insert(pending.envelope, pending.incoming.body);
        if (!mail) return mail.error();
        stored.push_back(std::move(*mail));
    }
    return {};
}

Status Queue::try_flush(std::vector<StoredMail>& stored) {
    RETURN_IF_ERROR(fatal_);
    RETURN_IF_ERROR(spool_->begin());
    RETURN_IF_ERROR(write_pending(stored));
    RETURN_IF_ERROR(write_results(stored));
    return spool_->commit();
}

Status Queue::flush() {
    if (pending_.empty() && results_.empty() && fatal_) return {};
    std::vector<StoredMail> stored;
    if (const Status written = try_flush(stored); !written) {
        spool_->rollback();
        refuse_pending(written.error());
        return recoverable(written.error()) ? record_results_alone() : written;
    }
    ++counters_.commits;
    results_.clear();
    answer_pending(stored);
    for (const StoredMail& mail : stored) activate(mail);
    return {};
}

void Queue::refuse_pending(const Error& error) {
    log(event::queue_error, {{"refused", std::to_string(pending_.size())}, {"error", error.describe()}});
    std::vector<Pending> refused;
    refused.swap(pending_);
    pending_octets_ = 0;
    for (Pending& pending : refused) {
        spool_->discard(pending.incoming.file);
        pending.on_queued(error);
    }
}

void Queue::answer_pending(const std::vector<StoredMail>& stored) {
    std::vector<Pending> accepted;
    accepted.swap(pending_);
    pending_octets_ = 0;
    counters_.accepted += accepted.size();
    for (std::size_t i = 0; i < accepted.size(); ++i) accepted[i].on_queued(stored[i].message.queue_id);
}

void Queue::activate(const StoredMail& mail) {
    for (const StoredRow& row : mail.rows) active_.add(row, false);
}

// ---- handing out ----

void Queue::lease(std::uint64_t holder, std::uint64_t number, RecipientKind kind, std::size_t most, OnLease on_lease) {
    most = std::clamp<std::size_t>(most, 1, config_.options.batch);
    waiting_.push_back({holder, number, kind, most, std::move(on_lease)});
}

// Takes the waiting holder out of the list before it is answered: it may ask again from inside.
Result<bool> Queue::serve(std::deque<Waiting>::iterator waiting) {
    for (;;) {
        const std::uint64_t lease = last_lease_ + 1;
        const std::vector<std::uint64_t> rows = active_.take(waiting->kind, lease, waiting->most);
        if (rows.empty()) return false;
        last_lease_ = lease;
        LeaseBuilder builder(*spool_, active_);
        builder.lease.kind = waiting->kind;
        builder.lease.destination = ActiveQueue::destination(active_.at(rows.front()).row);
        RETURN_IF_ERROR(builder.build(rows));
        if (builder.lease.messages.empty()) {
            active_.end_lease(lease);
            continue;
        }
        leases_[{waiting->holder, waiting->number}] = lease;
        const OnLease on_lease = std::move(waiting->on_lease);
        waiting_.erase(waiting);
        on_lease(builder.lease, builder.body);
        return true;
    }
}

Status Queue::pump() {
    const UnixTime now = clock_.unix_now();
    if ((next_due_ != 0 && next_due_ <= now) || active_.wants_more()) RETURN_IF_ERROR(refill());
    for (const RecipientKind kind : {RecipientKind::local, RecipientKind::route}) {
        for (;;) {
            const auto first =
                std::find_if(waiting_.begin(), waiting_.end(), [kind](const Waiting& w) { return w.kind == kind; });
            if (first == waiting_.end()) break;
            auto served = serve(first);
            if (!served) return served.error();
            if (!*served) break;
        }
    }
    return {};
}

void Queue::plan(UnixTime when) { next_due_ = next_due_ == 0 ? when : std::min(next_due_, when); }

// Outcomes that are not yet in the spool would make their rows look due again: they are written first.
Status Queue::refill() {
    const UnixTime now = clock_.unix_now();
    RETURN_IF_ERROR(flush());
    if (!results_.empty()) {
        next_due_ = now + 1;
        return {};
    }
    auto rows = spool_->due(now, static_cast<std::uint32_t>(config_.active_rows + 1));
    if (!rows) return rows.error();
    auto next = spool_->next_appointment(now);
    if (!next) return next.error();
    next_due_ = *next;
    active_.clear_overflow();
    for (StoredRow& row : *rows)
        if (!active_.contains(row.row)) active_.add(std::move(row), true);
    return {};
}

bool Queue::done(std::uint64_t holder, std::uint64_t number, LeaseReport report) {
    const auto found = leases_.find({holder, number});
    if (found == leases_.end()) return false;
    const std::uint64_t lease = found->second;
    leases_.erase(found);
    bool urgent = false;
    for (RowResult& result : report.results) {
        const ActiveRow* active = active_.leased_row(lease, result.row);
        if (active == nullptr) continue;
        if (report.space && active->row.kind == RecipientKind::local) {
            const std::string_view address = active->row.address;
            spaces_.note(address.substr(0, address.rfind('@')), *report.space, clock_.now());
            report.space.reset();
        }
        urgent = urgent || (active->row.kind == RecipientKind::route && result.outcome == RowOutcome::delivered);
        results_.push_back({active->row, std::move(result)});
        active_.erase(results_.back().row.row);
    }
    active_.end_lease(lease);
    return urgent;
}

void Queue::drop_holder(std::uint64_t holder) {
    std::erase_if(waiting_, [holder](const Waiting& w) { return w.holder == holder; });
    for (auto it = leases_.lower_bound({holder, 0}); it != leases_.end() && it->first.first == holder;) {
        active_.end_lease(it->second);
        it = leases_.erase(it);
    }
}

} // namespace posada::smtpd
