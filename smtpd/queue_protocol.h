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

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "common/priv/request.h"

namespace posada::smtpd {

enum class QueueRole : std::uint8_t { receive = 1, deliver = 2, relay = 3, control = 4 };
std::string_view queue_role_name(QueueRole role);

enum QueueRequest : std::uint16_t {
    queue_hello =
        2, // {u16 version, u8 role, u64 table hash}; not answered: a refused one is logged, the channel closed
    queue_submit_part = 4, // {} + memfd: the next octets of this session's message; answer {}
    queue_submit_rcpt = 6, // {recipients} when they do not fit into submit; answer {}
    queue_submit = 8,      // {envelope} + memfd: the last octets; answer {str queue_id} once all is on stable storage
    queue_spaces = 22,     // {u64 version known}; answered when there is another: mailbox_spaces.h
    queue_lease = 10,      // {u16 most rows}; answered when there is work: {Lease} + descriptor of the octets
    queue_done = 12,       // {LeaseReport}: ends the lease of this session; answer {}
    queue_list = 14,       // {u64 after row, u16 most}; answer {listing}
    queue_stats = 16,      // {}; answer {QueueStats}
    queue_retry = 18,      // {str queue_id, "" = all}: next attempt now; answer {u32 rows}
    queue_remove = 20,     // {str queue_id}: removed without a word to anybody; answer {u32 rows}
};

std::span<const priv::RequestInfo> queue_requests(QueueRole role);

constexpr std::uint16_t queue_protocol_version = 2;
constexpr std::uint64_t max_memfd = 256 * 1024; // of one submit_part or submit
constexpr std::size_t max_row_text = 500;       // of an error text kept with a recipient

std::string encode_hello(QueueRole role);
// Errc::unavailable: another version; Errc::protocol: malformed.
Result<QueueRole> decode_hello(std::string_view payload);

enum class RecipientKind : std::uint8_t {
    local = 0, // into a mailbox of this host
    route = 1, // to another server, by [[smtpd.route]]
};

struct Recipient {
    std::string address; // proto::Mailbox::text()
    RecipientKind kind = RecipientKind::local;
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
};

// The packets an envelope travels in: any number of submit_rcpt, then what accompanies submit.
struct EnvelopePackets {
    std::vector<std::string> recipients; // payloads of submit_rcpt
    std::string submit;                  // payload of submit
};
EnvelopePackets encode_envelope(const Envelope& envelope);
// Recipients of a submit_rcpt are appended to out.
Status decode_recipients(std::string_view payload, std::vector<Recipient>& out);
Result<Envelope> decode_envelope(std::string_view payload);

// ---- leases ----

struct LeaseRow {
    std::uint64_t row = 0; // the recipient's
    std::string address;
    std::uint32_t attempts = 0; // made before this one
    bool look = false;          // an earlier attempt may have delivered it: look in the mailbox first
};

struct LeaseMessage {
    std::string queue_id;
    std::string sender;
    bool body_8bit = false;
    UnixTime received = 0;
    std::uint64_t offset = 0; // in the lease's descriptor
    std::uint64_t size = 0;
    std::vector<LeaseRow> rows; // local: exactly one
};

// All rows of a lease have one destination: one mailbox, or one domain.
struct Lease {
    RecipientKind kind = RecipientKind::local;
    std::string destination; // local: the address; route: the domain
    std::vector<LeaseMessage> messages;
};
std::string encode_lease(const Lease& lease);
Result<Lease> decode_lease(std::string_view payload);

enum class RowOutcome : std::uint8_t {
    delivered = 0, // in the mailbox, or another server's, on stable storage
    deferred = 1,  // try again
    failed = 2,    // for good
};

struct RowResult {
    std::uint64_t row = 0;
    RowOutcome outcome = RowOutcome::deferred;
    std::string status; // RFC 3463, "4.2.2"
    std::string text;   // one line for administrator and sender; escaped when decoded
    std::string remote; // name of the server that said it, "" = we
};
// What a delivery saw of a mailbox that has a quota.
struct MailboxSpace {
    std::uint64_t octets = 0; // that still fit; unlimited_space = any number
    std::uint64_t messages = 0;
    bool reject = false; // what does not fit goes back to its sender
    bool operator==(const MailboxSpace&) const = default;
};
constexpr std::uint64_t unlimited_space = UINT64_MAX;
void put_space(Writer& w, const MailboxSpace& space);
MailboxSpace get_space(Reader& r);

// An agent's answer, and what deliver and relay say at a lease's end.
struct LeaseReport {
    std::vector<RowResult> results;
    std::optional<MailboxSpace> space; // local only
};
std::string encode_report(const LeaseReport& report);
Result<LeaseReport> decode_report(std::string_view payload);

// ---- control ----

struct QueueStats {
    std::uint64_t messages = 0;
    std::uint64_t recipients = 0; // waiting
    std::uint64_t due = 0;        // of them, due now
    std::uint64_t leased = 0;     // of them, being delivered
    std::uint64_t accepted = 0;   // since the queue was started
    std::uint64_t commits = 0;
    std::uint64_t delivered = 0;
    std::uint64_t bounced = 0;
};
std::string encode_stats(const QueueStats& stats);
Result<QueueStats> decode_stats(std::string_view body);

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
};
std::string encode_entries(std::span<const QueueEntry> entries);
Result<std::vector<QueueEntry>> decode_entries(std::string_view body);

} // namespace posada::smtpd
