// SPDX-License-Identifier: BSD-2-Clause
// MailboxWriter: writes the messages of one lease into one Maildir, as the mailbox's user, and says what became of each
// row. All it knows of the queue is the lease. Runs in the agent; the crash tests run it too.
#pragma once

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/store/delivery.h"
#include "common/store/maildir.h"
#include "smtpd/queue_protocol.h"
#include "smtpd/sync_choice.h"

namespace posada::smtpd {

// What to report for a row whose delivery ended with this error.
RowResult result_of_error(std::uint64_t row, const Error& error);

class MailboxWriter {
  public:
    MailboxWriter(store::Maildir maildir, std::string hostname, const Clock& clock)
        : maildir_(std::move(maildir)), hostname_(std::move(hostname)), clock_(clock) {}

    // body: what the lease's offsets refer to. One result per row, after all of them are on stable storage.
    std::vector<RowResult> deliver(const Lease& lease, int body);

  private:
    struct Job {
        const LeaseMessage* message;
        const LeaseRow* row;
        std::string base;
    };
    void find_old(std::vector<Job>& jobs, std::vector<RowResult>& results) const;
    static void write_message(store::DeliveryBatch& batch, const Job& job, int body);
    static Status write_body(store::DeliveryBatch& batch, const LeaseMessage& message, int body);

    store::Maildir maildir_;
    std::string hostname_;
    const Clock& clock_;
    SyncChoice sync_;
};

} // namespace posada::smtpd
