// SPDX-License-Identifier: BSD-2-Clause
// What the queue writes about outcomes: delivered, deferred, failed, the reports to senders; and the requests of an
// administrator.
#include <map>
#include <set>

#include "common/base/log.h"
#include "smtpd/bounce.h"
#include "smtpd/queue.h"
#include "smtpd/retry.h"

namespace posada::smtpd {

struct Queue::Failures {
    struct OfMessage {
        SpoolMessage message;
        std::uint64_t first_row = 0;
        std::vector<FailedRecipient> recipients;
    };
    std::map<std::uint64_t, OfMessage> by_message;
};

namespace {

constexpr std::uint64_t log_octets_to_keep = 1024 * 1024;
constexpr std::uint32_t expiry_scan = 1'000;

std::string expired_text(const RowResult& result) {
    return "the mail could not be delivered within its lifetime; the last reason was: " + result.text;
}

} // namespace

Status Queue::fail_row(const Outcome& outcome, std::string status, std::string text, Failures& failures) {
    const UnixTime now = clock_.unix_now();
    RETURN_IF_ERROR(spool_->mark_failed(outcome.row.row, now, text));
    auto [at, fresh] = failures.by_message.try_emplace(outcome.row.message);
    if (fresh) {
        auto message = spool_->message(outcome.row.message);
        if (!message && message.error().code == Errc::not_found) {
            failures.by_message.erase(at);
            return {};
        }
        if (!message) return message.error();
        at->second.message = std::move(*message);
        at->second.first_row = outcome.row.row;
    }
    at->second.recipients.push_back({outcome.row.address, std::move(status), std::move(text), outcome.result.remote});
    return {};
}

Status Queue::defer_row(const Outcome& outcome, Failures& failures) {
    auto message = spool_->message(outcome.row.message);
    if (!message && message.error().code == Errc::not_found) return {};
    if (!message) return message.error();
    const UnixTime now = clock_.unix_now();
    const std::uint32_t attempts = outcome.row.attempts + 1;
    const RetrySchedule schedule{config_.options.retry, config_.options.lifetime};
    chance_ = chance_ * 1'664'525U + 1'013'904'223U;
    const auto next = next_attempt(schedule, attempts, message->received, now, chance_ >> 8);
    if (!next) return fail_row(outcome, "5.4.7", expired_text(outcome.result), failures);
    log(event::mail_deferred, {{"queue-id", message->queue_id},
                               {"to", outcome.row.address},
                               {"attempts", std::to_string(attempts)},
                               {"next", iso8601(*next)},
                               {"status", outcome.result.status},
                               {"remote", outcome.result.remote},
                               {"reason", outcome.result.text}});
    plan(*next);
    return spool_->defer(outcome.row.row, attempts, *next, outcome.result.text);
}

Status Queue::write_outcome(const Outcome& outcome, Failures& failures) {
    const RowResult& result = outcome.result;
    switch (result.outcome) {
    case RowOutcome::delivered: return spool_->mark_delivered(outcome.row.row, clock_.unix_now());
    case RowOutcome::deferred: return defer_row(outcome, failures);
    case RowOutcome::failed:
        return fail_row(outcome, result.status.empty() ? "5.0.0" : result.status, result.text, failures);
    }
    return {};
}

// In the transaction that takes the row out of the queue: there is no moment in which the mail is nowhere.
Status Queue::write_bounces(Failures& failures, std::vector<StoredMail>& bounces) {
    for (auto& [id, failed] : failures.by_message) {
        const SpoolMessage& message = failed.message;
        const auto kind = classify_address(config_, message.sender);
        const bool wanted = bounce_wanted(message.sender) && kind.has_value();
        for (const FailedRecipient& recipient : failed.recipients)
            log(event::mail_bounced, {{"queue-id", message.queue_id},
                                      {"to", recipient.address},
                                      {"status", recipient.status},
                                      {"report", wanted ? "<" + message.sender + ">" : "none"},
                                      {"remote", recipient.remote},
                                      {"reason", recipient.text}});
        counters_.bounced += failed.recipients.size();
        if (!wanted) continue;
        auto head = spool_->head(message, bounce_head_size);
        if (!head) return head.error();
        Envelope envelope;
        envelope.recipients = {{message.sender, *kind}};
        envelope.received = clock_.unix_now();
        const std::string report =
            make_bounce({config_.hostname, message.queue_id + "." + std::to_string(failed.first_row), message.queue_id,
                         message.sender, message.received, envelope.received, *head, std::move(failed.recipients)});
        envelope.size = report.size();
        envelope.body_8bit = report.find("Content-Transfer-Encoding: 8bit") != std::string::npos;
        auto mail = spool_->insert(envelope, report);
        if (!mail) return mail.error();
        bounces.push_back(std::move(*mail));
    }
    return {};
}

Status Queue::write_results(std::vector<StoredMail>& bounces) {
    Failures failures;
    std::set<std::uint64_t> touched;
    for (const Outcome& outcome : results_) {
        RETURN_IF_ERROR(write_outcome(outcome, failures));
        if (outcome.result.outcome == RowOutcome::delivered) ++counters_.delivered;
        touched.insert(outcome.row.message);
    }
    RETURN_IF_ERROR(write_bounces(failures, bounces));
    for (const std::uint64_t message : touched) RETURN_IF_ERROR(spool_->settle(message));
    return {};
}

// The disk is full for new mail; deleting may still be possible. If not, the outcomes stay in memory: nothing is lost,
// at worst a mailbox is looked into again.
Status Queue::record_results_alone() {
    if (results_.empty()) return {};
    std::vector<StoredMail> bounces;
    Status written = spool_->begin();
    if (written) written = write_results(bounces);
    if (written) written = spool_->commit();
    if (!written) {
        spool_->rollback();
        const Errc code = written.error().code;
        return code == Errc::no_space || code == Errc::busy ? Status() : written;
    }
    results_.clear();
    for (const StoredMail& mail : bounces) activate(mail);
    return {};
}

// ---- control ----

Result<std::vector<QueueEntry>> Queue::list(std::uint64_t after_row, std::uint32_t most) {
    RETURN_IF_ERROR(flush());
    return spool_->list(after_row, most);
}

Result<QueueStats> Queue::stats() {
    RETURN_IF_ERROR(flush());
    auto stats = spool_->stats(clock_.unix_now());
    if (!stats) return stats.error();
    stats->leased = active_.leased();
    stats->accepted = counters_.accepted;
    stats->commits = counters_.commits;
    stats->delivered = counters_.delivered;
    stats->bounced = counters_.bounced;
    return stats;
}

Result<std::uint64_t> Queue::retry_now(std::string_view queue_id) {
    RETURN_IF_ERROR(flush());
    RETURN_IF_ERROR(spool_->begin());
    auto rows = spool_->make_due(queue_id, clock_.unix_now());
    const Status written = rows ? spool_->commit() : Status(rows.error());
    if (!written) {
        spool_->rollback();
        return written.error();
    }
    next_due_ = 1;
    return *rows;
}

// A row of it that is active is found to be gone when it is to be leased.
Result<std::uint64_t> Queue::remove(std::string_view queue_id) {
    RETURN_IF_ERROR(flush());
    RETURN_IF_ERROR(spool_->begin());
    auto rows = spool_->remove(queue_id);
    const Status written = rows ? spool_->commit() : Status(rows.error());
    if (!written) {
        spool_->rollback();
        return written.error();
    }
    return *rows;
}

// Without a relay (its route was taken from the configuration) nobody would ever say that its mail is too old.
Status Queue::expire_unserved() {
    const UnixTime now = clock_.unix_now();
    const UnixTime oldest = now - std::chrono::duration_cast<Seconds>(config_.options.lifetime).count();
    auto rows = spool_->due(now, expiry_scan);
    if (!rows) return rows.error();
    for (StoredRow& row : *rows) {
        if (row.kind == RecipientKind::local) continue;
        if (active_.contains(row.row) && active_.at(row.row).lease != 0) continue;
        auto message = spool_->message(row.message);
        if (!message) return message.error();
        if (message->received > oldest) continue;
        active_.erase(row.row);
        RowResult result{row.row, RowOutcome::failed, "5.4.7", "the mail has outlived its time in the queue", ""};
        results_.push_back({std::move(row), std::move(result)});
    }
    return {};
}

Status Queue::upkeep() {
    RETURN_IF_ERROR(flush());
    if (config_.routes.empty() && results_.empty()) RETURN_IF_ERROR(expire_unserved());
    RETURN_IF_ERROR(spool_->give_back_space());
    if (spool_->log_size() < log_octets_to_keep) return {};
    return spool_->checkpoint();
}

} // namespace posada::smtpd
