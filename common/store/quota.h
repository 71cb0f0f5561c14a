// SPDX-License-Identifier: BSD-2-Clause
// Quota: how much a mailbox holds and may hold, by the Maildir++ file `maildirsize` that Courier, Dovecot and
// procmail's relatives keep as well. Its first line is the limits ("1048576S,1000C"), each further line a change ("2345
// 1",
// "-2345 -1"); what is used is their sum. Counted are the messages of the mailbox and of all its Maildir++ folders
// (.Sent, .Trash, ...), in new/ and cur/, by the size in the name, else by the file's.
//
// Nothing here waits for anybody: a change is one appended line, a recount replaces the file. A change that falls
// between a recount's reading and its replacement may be missing until the next recount. The file is a cache: after a
// crash it may be absent, behind or not readable, and then the mailbox is counted anew.
#pragma once

#include <cstdint>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/store/maildir.h"

namespace posada::store {

inline constexpr const char* quota_file_name = "maildirsize";
constexpr std::size_t max_quota_file = 5'120; // longer: it is time to count again (Maildir++)
constexpr Seconds quota_stale_after{15 * 60}; // a full mailbox is counted again when the file is older

struct QuotaLimits {
    std::uint64_t octets = 0; // 0 = no limit
    std::uint64_t messages = 0;
    [[nodiscard]] bool any() const { return octets != 0 || messages != 0; }
    bool operator==(const QuotaLimits&) const = default;
};

struct QuotaUsage {
    std::uint64_t octets = 0; // as stored
    std::uint64_t messages = 0;
};

class Quota {
  public:
    // maildir outlives it. Without limits everything fits, and a file that another program made is kept right.
    Quota(const Maildir& maildir, QuotaLimits limits) : maildir_(&maildir), limits_(limits) {}

    [[nodiscard]] const QuotaLimits& limits() const { return limits_; }
    // What is used: from the file if it is there, readable, not too long, and of these limits; else counted, and the
    // file is written. Does nothing without limits.
    Status load();
    // Counts, and replaces the file.
    Status recount();
    // used + octets <= limit, and one message more is allowed: exactly full is not over.
    [[nodiscard]] bool fits(std::uint64_t octets) const;
    // Before a message is refused: the file may not know what other programs have removed. True if it was counted
    // again.
    Result<bool> recount_if_stale(UnixTime now);
    // A message is being stored: it counts from here on, in memory only. note_quota_change() says it to everybody.
    void reserve(std::uint64_t octets);
    void release(std::uint64_t octets);
    [[nodiscard]] const QuotaUsage& used() const { return used_; }

  private:
    const Maildir* maildir_;
    QuotaLimits limits_;
    QuotaUsage used_;
    UnixTime changed_ = 0; // the file's time; 0 = just written
};

// Messages came (positive) or went: one line more in the file, if there is one. A file that has grown too long, or that
// cannot be written, is removed: whoever needs it counts. Never fails what it is told about.
void note_quota_change(const Maildir& maildir, std::int64_t octets, std::int64_t messages);

// The file may be wrong: it is removed.
void forget_quota(const Maildir& maildir);

// What a file of this name counts for: the size its name tells, else its own; 0 if it is gone.
std::uint64_t stored_octets(int directory, const std::string& file_name);
// All messages of the mailbox and its folders.
Result<QuotaUsage> count_quota_usage(const Maildir& maildir);

} // namespace posada::store
