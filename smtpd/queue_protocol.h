// SPDX-License-Identifier: BSD-2-Clause
// What is said over queue.sock. Each channel has one role, named in its first message (hello) and checked against
// SO_PEERCRED; each role has its own request table: who may hand mail in can neither read nor list it.
// The channel header's session is the caller's: an SMTP connection's id (receive), a lease's number (deliver, relay).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/priv/request_list.h"

namespace posada::smtpd {

enum class QueueRole : std::uint8_t { receive = 1, deliver = 2, relay = 3, control = 4 };
constexpr QueueRole last_value(QueueRole) { return QueueRole::control; }
std::string_view queue_role_name(QueueRole role);
std::span<const priv::RequestInfo> queue_requests(QueueRole role);

// Not answered: a refused one is logged, the channel closed.
struct QueueHello {
    QueueRole role{};
    std::uint64_t table = 0; // hash of the role's
    FIELDS(role, table)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{
        .type = 2, .name = "queue_hello", .once = true, .meaning = "Names the role of a channel to the queue."};
};
QueueHello hello_of(QueueRole role);
// Errc::unavailable: of another version.
Result<QueueRole> role_of(std::string_view hello);

// ---- receive ----

constexpr std::uint64_t max_memfd = 256 * 1024; // of one submit_part or submit

enum class RecipientKind : std::uint8_t {
    local = 0, // into a mailbox of this host
    route = 1, // to another server, by [[smtpd.route]]
};
constexpr RecipientKind last_value(RecipientKind) { return RecipientKind::route; }

struct Recipient {
    std::string address; // proto::Mailbox::text()
    RecipientKind kind = RecipientKind::local;
    FIELDS(address, kind)
};

struct Envelope {
    std::string sender; // proto::Mailbox::text(); "" = the null path
    std::vector<Recipient> recipients;
    bool body_8bit = false; // BODY=8BITMIME was said, or octets above 127 were seen
    std::string client_ip;
    std::string client_name; // HELO argument
    std::string auth_user;   // submission: the login
    UnixTime received = 0;
    std::uint64_t size = 0; // of the whole message; submit fails with Errc::protocol when the parts differ
    FIELDS(sender, recipients, body_8bit, client_ip, client_name, auth_user, received, size)
};

struct SubmitPart { // with a memfd: the next octets of this session's message
    FIELDS()
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{
        .type = 4, .name = "queue_submit_part", .fds_in = 1, .meaning = "Octets of a message, in a memfd."};
};
struct SubmitRecipients { // those that do not fit into submit
    std::vector<Recipient> recipients;
    FIELDS(recipients)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{.type = 6,
                                           .name = "queue_submit_rcpt",
                                           .max_bytes = priv::max_payload,
                                           .meaning = "More recipients of a message."};
};
struct QueueId {
    std::string queue_id;
    FIELDS(queue_id)
};
struct Submit {
    Envelope envelope;
    FIELDS(envelope)
    using Answer = QueueId;
    static constexpr priv::RequestInfo row{
        .type = 8,
        .name = "queue_submit",
        .max_bytes = priv::max_payload,
        .fds_in = 1,
        .meaning = "The last octets and the envelope; answered when the message is on stable storage."};
};

// The packets an envelope travels in; submit is the last.
struct EnvelopePackets {
    std::vector<SubmitRecipients> more;
    Submit submit;
};
EnvelopePackets packets_of(Envelope envelope);
// Errc::protocol: no address is like that.
Status check_recipients(std::span<const Recipient> recipients);
Status check_envelope(const Envelope& envelope);

// What a delivery saw of a mailbox that has a quota.
struct MailboxSpace {
    std::uint64_t octets = 0; // that still fit; unlimited_space = any number
    std::uint64_t messages = 0;
    bool reject = false; // what does not fit goes back to its sender
    bool operator==(const MailboxSpace&) const = default;
    FIELDS(octets, messages, reject)
};
constexpr std::uint64_t unlimited_space = UINT64_MAX;

struct ReportedSpace {
    std::string mailbox; // mailbox_key()
    std::uint32_t trusted_ms = 0;
    MailboxSpace space;
    FIELDS(mailbox, trusted_ms, space)
};
struct Spaces {
    std::uint64_t version = 0;
    std::vector<ReportedSpace> spaces;
    FIELDS(version, spaces)
};
struct WatchSpaces {
    std::uint64_t known = 0; // version
    FIELDS(known)
    using Answer = Spaces;
    static constexpr priv::RequestInfo row{
        .type = 22,
        .name = "queue_spaces",
        .meaning = "Which mailboxes are nearly full, by hashes of their names; answered when this changes."};
};
using ReceiveRequests = priv::Requests<QueueHello, SubmitPart, SubmitRecipients, Submit, WatchSpaces>;

// ---- deliver, relay ----

struct LeaseRow {
    std::uint64_t row = 0; // the recipient's
    std::string address;
    std::uint32_t attempts = 0; // made before this one
    bool look = false;          // an earlier attempt may have delivered it: look in the mailbox first
    FIELDS(row, address, attempts, look)
};

struct LeaseMessage {
    std::string queue_id;
    std::string sender;
    bool body_8bit = false;
    UnixTime received = 0;
    std::uint64_t offset = 0; // in the lease's descriptor
    std::uint64_t size = 0;
    std::vector<LeaseRow> rows; // local: exactly one
    FIELDS(queue_id, sender, body_8bit, received, offset, size, rows)
};

// All rows of a lease have one destination: one mailbox, or one domain.
struct Lease {
    RecipientKind kind = RecipientKind::local;
    std::string destination; // local: the address; route: the domain
    std::vector<LeaseMessage> messages;
    FIELDS(kind, destination, messages)
};

// What whoever takes leases of one kind may be given.
inline bool well_formed(const Lease& lease, RecipientKind kind) {
    return lease.kind == kind && !lease.messages.empty();
}

struct TakeLease {
    std::uint16_t most_rows = 0;
    FIELDS(most_rows)
    using Answer = Lease; // when there is work, with the descriptor of the octets
    static constexpr priv::RequestInfo row{.type = 10,
                                           .name = "queue_lease",
                                           .fds_out = 1,
                                           .meaning =
                                               "Work: messages for one destination, for as long as the channel lives."};
};

enum class RowOutcome : std::uint8_t {
    delivered = 0, // in the mailbox, or another server's, on stable storage
    deferred = 1,  // try again
    failed = 2,    // for good
};
constexpr RowOutcome last_value(RowOutcome) { return RowOutcome::failed; }

struct RowResult {
    std::uint64_t row = 0;
    RowOutcome outcome = RowOutcome::deferred;
    std::string status; // RFC 3463, "4.2.2"
    std::string text;   // one line for administrator and sender
    std::string remote; // name of the server that said it, "" = we
    FIELDS(row, outcome, status, text, remote)
};

// An agent's answer, and what deliver and relay say at a lease's end.
struct LeaseReport {
    std::vector<RowResult> results;
    std::optional<MailboxSpace> space; // local only
    FIELDS(results, space)
};
constexpr std::size_t max_row_text = 500; // of an error text kept with a recipient
// Short and printable: another host or a hostile agent has said it, and it is kept, listed and mailed.
void tame(LeaseReport& report);

struct EndLease { // of this session
    LeaseReport report;
    FIELDS(report)
    using Answer = Nothing;
    static constexpr priv::RequestInfo row{.type = 12,
                                           .name = "queue_done",
                                           .max_bytes = priv::max_payload,
                                           .meaning = "What became of the rows of a lease."};
};
using LeaseRequests = priv::Requests<QueueHello, TakeLease, EndLease>;

// ---- control ----

struct QueueEntry {
    std::uint64_t row = 0;
    std::string queue_id;
    std::string sender;
    std::string address;
    RecipientKind kind = RecipientKind::local;
    UnixTime received = 0;
    UnixTime next_attempt = 0;
    std::uint32_t attempts = 0;
    std::uint64_t size = 0;
    std::string last_error;
    FIELDS(row, queue_id, sender, address, kind, received, next_attempt, attempts, size, last_error)
};
struct QueueEntries {
    std::vector<QueueEntry> entries;
    FIELDS(entries)
};
struct ListQueue {
    std::uint64_t after = 0; // row
    std::uint16_t most = 0;
    FIELDS(after, most)
    using Answer = QueueEntries;
    static constexpr priv::RequestInfo row{.type = 14, .name = "queue_list", .meaning = "Recipients that wait."};
};

struct QueueStats {
    std::uint64_t messages = 0;
    std::uint64_t recipients = 0; // waiting
    std::uint64_t due = 0;        // of them, due now
    std::uint64_t leased = 0;     // of them, being delivered
    std::uint64_t accepted = 0;   // since the queue was started
    std::uint64_t commits = 0;
    std::uint64_t delivered = 0;
    std::uint64_t bounced = 0;
    FIELDS(messages, recipients, due, leased, accepted, commits, delivered, bounced)
};
struct AskStats {
    FIELDS()
    using Answer = QueueStats;
    static constexpr priv::RequestInfo row{.type = 16, .name = "queue_stats", .meaning = "Counters."};
};

struct RowCount {
    std::uint32_t rows = 0;
    FIELDS(rows)
};
struct RetryNow {
    std::string queue_id; // "" = all
    FIELDS(queue_id)
    using Answer = RowCount;
    static constexpr priv::RequestInfo row{
        .type = 18, .name = "queue_retry", .max_bytes = 64, .meaning = "Makes waiting recipients due now."};
};
struct RemoveMail { // without a word to anybody
    std::string queue_id;
    FIELDS(queue_id)
    using Answer = RowCount;
    static constexpr priv::RequestInfo row{
        .type = 20, .name = "queue_remove", .max_bytes = 64, .meaning = "Removes a message."};
};
using ControlRequests = priv::Requests<QueueHello, ListQueue, AskStats, RetryNow, RemoveMail>;

} // namespace posada::smtpd
