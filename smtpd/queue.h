// SPDX-License-Identifier: BSD-2-Clause
// Queue: the spool and the active rows together: takes messages in, many per transaction, hands rows out on lease,
// records what became of them, plans the next attempt, reports failures to senders. No socket and no loop here: the
// server (queue_server.h) and the tests drive it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "smtpd/active_queue.h"
#include "smtpd/mailbox_spaces.h"
#include "smtpd/options.h"
#include "smtpd/queue_protocol.h"
#include "smtpd/spool.h"

namespace posada::smtpd {

struct QueueConfig {
    std::string hostname;
    std::vector<std::string> domains; // whose mailboxes are here
    std::vector<Route> routes;
    QueueOptions options;
    std::uint64_t max_message_size = 25ULL << 20;
    std::uint64_t memory = 64ULL << 20; // octets of messages not yet committed
    std::size_t active_rows = 20'000;
};

// Where an address is delivered; nullopt = nowhere (no such domain, no route).
std::optional<RecipientKind> classify_address(const QueueConfig& config, std::string_view address);

// A message on its way in: what one session has sent so far.
class Incoming {
  public:
    std::vector<Recipient> more_recipients;
    BodyFile file;
    std::string body;
    std::uint64_t octets = 0;
    Status failed; // the first thing that went wrong; submit answers it
};

class Queue {
  public:
    using OnQueued = std::function<void(Result<std::string> queue_id)>;
    using OnLease = std::function<void(const Lease& lease, const UniqueFd& body)>;

    Queue(QueueConfig config, std::unique_ptr<Spool> spool, const Clock& clock);

    // ---- taking in ----
    // fd: sealed by the caller. Errors are kept in incoming.failed.
    void add_part(Incoming& incoming, int fd);
    void submit(Incoming incoming, int fd, Envelope envelope, OnQueued on_queued);
    void abandon(Incoming& incoming) { spool_->discard(incoming.file); }
    [[nodiscard]] std::size_t pending() const { return pending_.size(); }

    // Everything that waits, in one transaction; then the answers. An error is final: all have been told, exit now.
    Status flush();
    [[nodiscard]] bool has_results() const { return !results_.empty(); }

    // ---- handing out ----
    // holder and number together name the lease; on_lease is called once, at once or from pump().
    void lease(std::uint64_t holder, std::uint64_t number, RecipientKind kind, std::size_t most, OnLease on_lease);
    // Rows that are not mentioned go back. True: it should be recorded now (another server has a copy), not lazily.
    bool done(std::uint64_t holder, std::uint64_t number, LeaseReport report);
    void drop_holder(std::uint64_t holder);
    // Answers waiting leases as far as rows are ready, reads more rows from the spool when due. Errors are final.
    Status pump();
    [[nodiscard]] UnixTime next_due() const { return next_due_; } // 0 = nothing is planned

    // What deliveries have said about mailboxes.
    [[nodiscard]] const SpaceReports& spaces() const { return spaces_; }

    // ---- control ---- (what waits to be committed is committed first)
    Result<std::vector<QueueEntry>> list(std::uint64_t after_row, std::uint32_t most);
    Result<QueueStats> stats();
    Result<std::uint64_t> retry_now(std::string_view queue_id);
    Result<std::uint64_t> remove(std::string_view queue_id);
    // Checkpoint, space, rows nobody asks for that have outlived their time. Errors are final.
    Status upkeep();
    [[nodiscard]] std::uint64_t log_size() const { return spool_->log_size(); }

  private:
    struct Pending {
        Incoming incoming;
        Envelope envelope;
        OnQueued on_queued;
    };
    struct Waiting {
        std::uint64_t holder;
        std::uint64_t number;
        RecipientKind kind;
        std::size_t most;
        OnLease on_lease;
    };
    struct Outcome { // of one row, not yet in the spool
        StoredRow row;
        RowResult result;
    };
    struct Failures; // of one transaction, by message

    Status write_pending(std::vector<StoredMail>& stored);
    Status write_results(std::vector<StoredMail>& bounces);
    Status write_outcome(const Outcome& outcome, Failures& failures);
    Status fail_row(const Outcome& outcome, std::string status, std::string text, Failures& failures);
    Status defer_row(const Outcome& outcome, Failures& failures);
    Status write_bounces(Failures& failures, std::vector<StoredMail>& bounces);
    Status record_results_alone();
    Status try_flush(std::vector<StoredMail>& stored);
    void refuse_pending(const Error& error);
    void answer_pending(const std::vector<StoredMail>& stored);
    void activate(const StoredMail& mail);

    Status take_octets(Incoming& incoming, int fd, bool last);
    Status check_envelope(const Incoming& incoming, const Envelope& envelope) const;
    Status refill();
    void plan(UnixTime when);
    Result<bool> serve(std::deque<Waiting>::iterator waiting);
    Status expire_unserved();

    QueueConfig config_;
    std::unique_ptr<Spool> spool_;
    const Clock& clock_;
    ActiveQueue active_;
    SpaceReports spaces_;
    std::vector<Pending> pending_;
    std::uint64_t pending_octets_ = 0;
    std::vector<Outcome> results_;
    std::deque<Waiting> waiting_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> leases_; // holder, number -> active lease
    Status fatal_; // the disk failed outside of a transaction
    std::uint64_t last_lease_ = 0;
    UnixTime next_due_ = 1; // long ago: the first pump() reads
    std::uint32_t chance_ = 0;
    QueueStats counters_;
};

} // namespace posada::smtpd
