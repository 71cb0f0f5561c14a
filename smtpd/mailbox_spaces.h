// SPDX-License-Identifier: BSD-2-Clause
// What the last deliveries said about mailboxes that are full or nearly so. The queue gathers it (SpaceReports) and
// tells the net programs, which refuse recipients by it (KnownSpaces) without a question per recipient. A hint, kept in
// memory, that ages: nothing is lost when it is wrong or missing, the mail waits in the queue then. Names travel as
// hashes, so that a net program learns none that no client has told it. No I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/clock.h"
#include "smtpd/queue_protocol.h"

namespace posada::smtpd {

constexpr std::size_t max_space_reports = 1'000; // an answer with all of them is one packet
constexpr std::uint64_t tight_messages = 16;     // with fewer left a mailbox is reported
constexpr std::uint64_t least_mail = 256;        // no mail with its trace fields is smaller: less room is none

// Of an address: whose mailbox is meant, as 16 octets.
std::string mailbox_key(std::string_view local_part);

class SpaceReports {
  public:
    // trust: how long a report holds. max_message: with more room than this no single mail can fail to fit.
    SpaceReports(Millis trust, std::uint64_t max_message) : trust_(trust), max_message_(max_message) {}

    void note(std::string_view local_part, const MailboxSpace& space, Instant now);
    // Changes with every report that matters.
    [[nodiscard]] std::uint64_t version() const { return version_; }
    [[nodiscard]] Spaces told(Instant now) const;

  private:
    struct Report {
        MailboxSpace space;
        Instant until;
    };
    void make_room(Instant now);

    Millis trust_;
    std::uint64_t max_message_;
    std::uint64_t version_ = 1;
    std::unordered_map<std::string, Report> reports_;
};

class KnownSpaces {
  public:
    enum class Verdict : std::uint8_t { room, full, full_for_good };

    void adopt(Spaces told, Instant now);
    // octets: of the mail, 0 = not known.
    [[nodiscard]] Verdict ask(std::string_view local_part, std::uint64_t octets, Instant now) const;
    // A mail was taken for it: there is less room from now on.
    void accepted(std::string_view local_part, std::uint64_t octets);
    void clear() { spaces_.clear(); }

  private:
    struct Known {
        MailboxSpace space;
        Instant until;
    };
    std::unordered_map<std::string, Known> spaces_;
};

} // namespace posada::smtpd
