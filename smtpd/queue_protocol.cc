// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/queue_protocol.h"

#include <algorithm>

#include "common/base/text.h"

namespace posada::smtpd {

namespace {

using priv::any_phase;
using priv::RequestInfo;

constexpr std::uint32_t packet = priv::max_payload;
constexpr std::uint32_t hello_bytes = 11;
constexpr std::size_t max_status = 16;
constexpr std::size_t max_remote = 255;

constexpr RequestInfo hello_row{
    queue_hello, "queue_hello", any_phase, true, hello_bytes, 0, 0, "Names the role of a channel to the queue."};
constexpr RequestInfo receive_rows[] = {
    hello_row,
    {queue_submit_part, "queue_submit_part", any_phase, false, 0, 1, 0, "Octets of a message, in a memfd."},
    {queue_submit_rcpt, "queue_submit_rcpt", any_phase, false, packet, 0, 0, "More recipients of a message."},
    {queue_submit, "queue_submit", any_phase, false, packet, 1, 0,
     "The last octets and the envelope; answered when the message is on stable storage."},
    {queue_spaces, "queue_spaces", any_phase, false, 8, 0, 0,
     "Which mailboxes are nearly full, by hashes of their names; answered when this changes."},
};
constexpr RequestInfo deliver_rows[] = {
    hello_row,
    {queue_lease, "queue_lease", any_phase, false, 2, 0, 1,
     "Work: messages for one destination, for as long as the channel lives."},
    {queue_done, "queue_done", any_phase, false, packet, 0, 0, "What became of the rows of a lease."},
};
constexpr RequestInfo control_rows[] = {
    hello_row,
    {queue_list, "queue_list", any_phase, false, 10, 0, 0, "Recipients that wait."},
    {queue_stats, "queue_stats", any_phase, false, 0, 0, 0, "Counters."},
    {queue_retry, "queue_retry", any_phase, false, 64, 0, 0, "Makes waiting recipients due now."},
    {queue_remove, "queue_remove", any_phase, false, 64, 0, 0, "Removes a message."},
};

bool fits(const Writer& w, std::size_t more) { return w.bytes().size() + more <= priv::max_payload; }

void put_recipient(Writer& w, const Recipient& recipient) {
    w.u8(static_cast<std::uint8_t>(recipient.kind));
    w.str(recipient.address);
}
constexpr std::size_t recipient_overhead = 3;

RecipientKind get_kind(Reader& r, bool& bad) {
    const std::uint8_t kind = r.u8();
    bad = bad || kind > static_cast<std::uint8_t>(RecipientKind::route);
    return kind == 1 ? RecipientKind::route : RecipientKind::local;
}

Status get_recipients(Reader& r, std::vector<Recipient>& out) {
    const unsigned count = r.u16();
    bool bad = false;
    for (unsigned i = 0; i < count && !r.failed(); ++i) {
        const RecipientKind kind = get_kind(r, bad);
        const std::string_view address = r.str();
        bad = bad || address.empty() || has_control(address);
        out.push_back({std::string(address), kind});
    }
    if (bad) return Error{Errc::protocol, 0, "malformed recipient"};
    return {};
}

// As many recipients from first on as fit; returns how many. The count goes in front.
std::size_t put_recipients(Writer& w, std::span<const Recipient> recipients) {
    Writer body;
    std::size_t n = 0;
    while (n < recipients.size() && n < 0xffff &&
           fits(w, 2 + body.bytes().size() + recipients[n].address.size() + recipient_overhead))
        put_recipient(body, recipients[n++]);
    w.u16(static_cast<std::uint16_t>(n));
    for (std::size_t i = 0; i < n; ++i) put_recipient(w, recipients[i]);
    return n;
}

Error malformed(const char* what) { return Error{Errc::protocol, 0, std::string("malformed ") + what}; }

} // namespace

void put_space(Writer& w, const MailboxSpace& space) {
    w.u64(space.octets);
    w.u64(space.messages);
    w.boolean(space.reject);
}

MailboxSpace get_space(Reader& r) {
    MailboxSpace space;
    space.octets = r.u64();
    space.messages = r.u64();
    space.reject = r.boolean();
    return space;
}

std::string_view queue_role_name(QueueRole role) {
    switch (role) {
    case QueueRole::receive: return "receive";
    case QueueRole::deliver: return "deliver";
    case QueueRole::relay: return "relay";
    case QueueRole::control: return "control";
    }
    return "?";
}

std::span<const RequestInfo> queue_requests(QueueRole role) {
    switch (role) {
    case QueueRole::receive: return receive_rows;
    case QueueRole::deliver:
    case QueueRole::relay: return deliver_rows;
    case QueueRole::control: return control_rows;
    }
    return {};
}

std::string encode_hello(QueueRole role) {
    Writer w;
    w.u16(queue_protocol_version);
    w.u8(static_cast<std::uint8_t>(role));
    w.u64(priv::table_hash(queue_requests(role)));
    return w.take();
}

Result<QueueRole> decode_hello(std::string_view payload) {
    Reader r(payload);
    const unsigned version = r.u16();
    const std::uint8_t number = r.u8();
    const std::uint64_t hash = r.u64();
    RETURN_IF_ERROR(r.finish());
    const auto role = static_cast<QueueRole>(number);
    if (queue_requests(role).empty()) return malformed("hello");
    if (version != queue_protocol_version || hash != priv::table_hash(queue_requests(role)))
        return Error{Errc::unavailable, 0, "the caller was built from another version of posada: restart it"};
    return role;
}

EnvelopePackets encode_envelope(const Envelope& envelope) {
    Writer w;
    w.str(envelope.sender);
    w.boolean(envelope.body_8bit);
    w.str(envelope.client_ip);
    w.str(envelope.client_name);
    w.str(envelope.auth_user);
    w.u64(static_cast<std::uint64_t>(envelope.received));
    w.u64(envelope.size);
    EnvelopePackets packets;
    std::span<const Recipient> rest = envelope.recipients;
    rest = rest.subspan(put_recipients(w, rest));
    packets.submit = w.take();
    while (!rest.empty()) {
        Writer more;
        rest = rest.subspan(put_recipients(more, rest));
        packets.recipients.push_back(more.take());
    }
    return packets;
}

Status decode_recipients(std::string_view payload, std::vector<Recipient>& out) {
    Reader r(payload);
    RETURN_IF_ERROR(get_recipients(r, out));
    return r.finish();
}

Result<Envelope> decode_envelope(std::string_view payload) {
    Reader r(payload);
    Envelope envelope;
    envelope.sender = r.str();
    envelope.body_8bit = r.boolean();
    envelope.client_ip = r.str();
    envelope.client_name = r.str();
    envelope.auth_user = r.str();
    envelope.received = static_cast<UnixTime>(r.u64());
    envelope.size = r.u64();
    RETURN_IF_ERROR(get_recipients(r, envelope.recipients));
    RETURN_IF_ERROR(r.finish());
    if (has_control(envelope.sender)) return malformed("sender");
    return envelope;
}

std::string encode_lease(const Lease& lease) {
    Writer w;
    w.u8(static_cast<std::uint8_t>(lease.kind));
    w.str(lease.destination);
    w.u16(static_cast<std::uint16_t>(lease.messages.size()));
    for (const LeaseMessage& message : lease.messages) {
        w.str(message.queue_id);
        w.str(message.sender);
        w.boolean(message.body_8bit);
        w.u64(static_cast<std::uint64_t>(message.received));
        w.u64(message.offset);
        w.u64(message.size);
        w.u16(static_cast<std::uint16_t>(message.rows.size()));
        for (const LeaseRow& row : message.rows) {
            w.u64(row.row);
            w.str(row.address);
            w.u32(row.attempts);
            w.boolean(row.look);
        }
    }
    return w.take();
}

static LeaseMessage get_lease_message(Reader& r) {
    LeaseMessage message;
    message.queue_id = r.str();
    message.sender = r.str();
    message.body_8bit = r.boolean();
    message.received = static_cast<UnixTime>(r.u64());
    message.offset = r.u64();
    message.size = r.u64();
    const unsigned rows = r.u16();
    for (unsigned i = 0; i < rows && !r.failed(); ++i) {
        LeaseRow row;
        row.row = r.u64();
        row.address = r.str();
        row.attempts = r.u32();
        row.look = r.boolean();
        message.rows.push_back(std::move(row));
    }
    return message;
}

Result<Lease> decode_lease(std::string_view payload) {
    Reader r(payload);
    Lease lease;
    bool bad = false;
    lease.kind = get_kind(r, bad);
    lease.destination = r.str();
    const unsigned messages = r.u16();
    for (unsigned i = 0; i < messages && !r.failed(); ++i) lease.messages.push_back(get_lease_message(r));
    RETURN_IF_ERROR(r.finish());
    if (bad || lease.messages.empty()) return malformed("lease");
    return lease;
}

static void put_result(Writer& w, const RowResult& result) {
    w.u64(result.row);
    w.u8(static_cast<std::uint8_t>(result.outcome));
    w.str(std::string_view(result.status).substr(0, max_status));
    w.str(std::string_view(result.text).substr(0, max_row_text));
    w.str(std::string_view(result.remote).substr(0, max_remote));
}

static RowResult get_result(Reader& r, bool& bad) {
    RowResult result;
    result.row = r.u64();
    const std::uint8_t outcome = r.u8();
    bad = bad || outcome > static_cast<std::uint8_t>(RowOutcome::failed);
    result.outcome = static_cast<RowOutcome>(std::min<std::uint8_t>(outcome, 1 + 1));
    // The sender may be hostile: its words are kept, listed and mailed, so they are short and printable.
    result.status = escape_for_log(r.str().substr(0, max_status));
    result.text = escape_for_log(r.str().substr(0, max_row_text));
    result.remote = escape_for_log(r.str().substr(0, max_remote));
    return result;
}

std::string encode_report(const LeaseReport& report) {
    Writer w;
    w.u16(static_cast<std::uint16_t>(report.results.size()));
    for (const RowResult& result : report.results) put_result(w, result);
    w.boolean(report.space.has_value());
    if (report.space) put_space(w, *report.space);
    return w.take();
}

Result<LeaseReport> decode_report(std::string_view payload) {
    Reader r(payload);
    LeaseReport report;
    bool bad = false;
    const unsigned count = r.u16();
    for (unsigned i = 0; i < count && !r.failed(); ++i) report.results.push_back(get_result(r, bad));
    if (r.boolean()) report.space = get_space(r);
    RETURN_IF_ERROR(r.finish());
    if (bad) return malformed("result");
    return report;
}

std::string encode_stats(const QueueStats& stats) {
    Writer w;
    for (const std::uint64_t n : {stats.messages, stats.recipients, stats.due, stats.leased, stats.accepted,
                                  stats.commits, stats.delivered, stats.bounced})
        w.u64(n);
    return w.take();
}

Result<QueueStats> decode_stats(std::string_view body) {
    Reader r(body);
    QueueStats stats;
    for (std::uint64_t* n : {&stats.messages, &stats.recipients, &stats.due, &stats.leased, &stats.accepted,
                             &stats.commits, &stats.delivered, &stats.bounced})
        *n = r.u64();
    RETURN_IF_ERROR(r.finish());
    return stats;
}

std::string encode_entries(std::span<const QueueEntry> entries) {
    Writer w;
    w.u16(static_cast<std::uint16_t>(entries.size()));
    for (const QueueEntry& e : entries) {
        w.u64(e.row);
        w.str(e.queue_id);
        w.str(e.sender);
        w.str(e.address);
        w.u8(static_cast<std::uint8_t>(e.kind));
        w.u64(static_cast<std::uint64_t>(e.received));
        w.u64(static_cast<std::uint64_t>(e.next_attempt));
        w.u32(e.attempts);
        w.u64(e.size);
        w.str(e.last_error);
    }
    return w.take();
}

Result<std::vector<QueueEntry>> decode_entries(std::string_view body) {
    Reader r(body);
    std::vector<QueueEntry> entries;
    bool bad = false;
    const unsigned count = r.u16();
    for (unsigned i = 0; i < count && !r.failed(); ++i) {
        QueueEntry e;
        e.row = r.u64();
        e.queue_id = r.str();
        e.sender = r.str();
        e.address = r.str();
        e.kind = get_kind(r, bad);
        e.received = static_cast<UnixTime>(r.u64());
        e.next_attempt = static_cast<UnixTime>(r.u64());
        e.attempts = r.u32();
        e.size = r.u64();
        e.last_error = r.str();
        entries.push_back(std::move(e));
    }
    RETURN_IF_ERROR(r.finish());
    if (bad) return malformed("listing");
    return entries;
}

} // namespace posada::smtpd
