// SPDX-License-Identifier: BSD-2-Clause
// MailHost: queue and mailboxes below one directory, as `smtpd --queue` has them, in one process and without a socket:
// real spool, real queue, real mailbox writer. Each call does what the processes do between two waits.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "smtpd/mailbox_writer.h"
#include "smtpd/queue.h"

namespace posada::crash {

inline constexpr std::string_view domain = "micasa.test";

// Below root: state/ (spool), daniel/, lir/ (homes). Only root itself must exist.
class MailHost {
  public:
    // Creates what is missing; fails when the spool cannot be recovered.
    static Result<std::unique_ptr<MailHost>> open(const std::string& root);

    // A message with this token, of this size, to users of the domain; queued with the next flush().
    void submit(unsigned token, const std::vector<std::string>& users, std::size_t size,
                const std::string& sender = "lir@micasa.test");
    Status flush();
    // One lease, delivered and reported; false = nothing is ready. Mail for "gone" fails, mail for "slow" is deferred
    // while slow is set.
    Result<bool> deliver_one();
    Status deliver_all();
    Status retry_deferred();
    Status checkpoint();
    [[nodiscard]] Result<smtpd::QueueStats> stats() { return queue_->stats(); }

    bool slow = false;

    // What the mailbox file of a token must be.
    static std::string stored_form(unsigned token, std::size_t size, const std::string& sender);
    static std::string wire_form(unsigned token, std::size_t size);

  private:
    explicit MailHost(std::string root) : root_(std::move(root)) {}
    Result<std::vector<smtpd::RowResult>> deliver(const smtpd::Lease& lease, int body);

    SystemClock clock_;
    std::string root_;
    smtpd::Spool* spool_ = nullptr; // the queue's
    std::unique_ptr<smtpd::Queue> queue_;
    std::uint64_t last_lease_ = 0;
    std::vector<std::string> failing_; // "fail TOKEN": to be marked once it is recorded
};

} // namespace posada::crash
