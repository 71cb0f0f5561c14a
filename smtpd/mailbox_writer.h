// SPDX-License-Identifier: BSD-2-Clause
// MailboxWriter: writes the messages of one lease into one Maildir, as the mailbox's user, and says what became of each
// row. All it knows of the queue is the lease. Runs in the agent; the crash tests run it too.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/store/delivery.h"
#include "common/store/maildir.h"
#include "common/store/quota.h"
#include "smtpd/queue_protocol.h"
#include "smtpd/sync_choice.h"

namespace posada::smtpd {

// What to report for a row whose delivery ended with this error.
RowResult result_of_error(std::uint64_t row, const Error& error);

struct QuotaPolicy {
    store::QuotaLimits quota;
    bool reject = false; // what does not fit goes back to its sender instead of waiting
};

class MailboxWriter {
  public:
    MailboxWriter(store::Maildir maildir, std::string hostname, const Clock& clock, QuotaPolicy limits = {})
        : maildir_(std::move(maildir)), hostname_(std::move(hostname)), clock_(clock), limits_(limits),
          quota_(maildir_, limits.quota) {}
    MailboxWriter(const MailboxWriter&) = delete; // quota_ points to maildir_
    MailboxWriter& operator=(const MailboxWriter&) = delete;

    // body: what the lease's offsets refer to. One result per row, after all of them are on stable storage.
    std::vector<RowResult> deliver(const Lease& lease, int body);

    // What is left since the last deliver(); nullopt: the mailbox has no limits.
    [[nodiscard]] std::optional<MailboxSpace> space() const;

  private:
    struct Job {
        const LeaseMessage* message;
        const LeaseRow* row;
        std::string base;
        std::uint64_t stored; // octets of the file
    };
    void find_old(std::vector<Job>& jobs, std::vector<RowResult>& results);
    void refuse_over_quota(std::vector<Job>& jobs, std::vector<RowResult>& results, int body);
    [[nodiscard]] RowResult over_quota(const Job& job) const;
    static void write_message(store::DeliveryBatch& batch, Job& job, int body);
    void note_stored(const std::vector<Job>& jobs, const std::vector<Status>& committed);

    store::Maildir maildir_;
    std::string hostname_;
    const Clock& clock_;
    QuotaPolicy limits_;
    store::Quota quota_;
    SyncChoice sync_;
};

} // namespace posada::smtpd
