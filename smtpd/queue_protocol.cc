// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/queue_protocol.h"

#include <algorithm>

#include "common/base/text.h"

namespace posada::smtpd {

namespace {

constexpr std::size_t max_status = 16;
constexpr std::size_t max_remote = 255;

Error malformed(const char* what) { return Error{Errc::protocol, 0, std::string("malformed ") + what}; }

std::string tamed(std::string_view text, std::size_t most) {
    return escape_for_log(text.substr(0, most)).substr(0, most);
}

// Takes recipients from `rest` as long as they fit beside `used` octets.
std::vector<Recipient> take_fitting(std::span<const Recipient>& rest, std::size_t used) {
    std::vector<Recipient> out;
    while (!rest.empty() && (used += to_bytes(rest.front()).size()) <= priv::max_payload) {
        out.push_back(rest.front());
        rest = rest.subspan(1);
    }
    return out;
}

} // namespace

std::string_view queue_role_name(QueueRole role) {
    switch (role) {
    case QueueRole::receive: return "receive";
    case QueueRole::deliver: return "deliver";
    case QueueRole::relay: return "relay";
    case QueueRole::control: return "control";
    }
    return "?";
}

std::span<const priv::RequestInfo> queue_requests(QueueRole role) {
    switch (role) {
    case QueueRole::receive: return ReceiveRequests::rows;
    case QueueRole::deliver:
    case QueueRole::relay: return LeaseRequests::rows;
    case QueueRole::control: return ControlRequests::rows;
    }
    return {};
}

QueueHello hello_of(QueueRole role) { return {role, priv::table_hash(queue_requests(role))}; }

Result<QueueRole> role_of(std::string_view hello) {
    const auto said = from_bytes<QueueHello>(hello);
    if (!said || queue_requests(said->role).empty() || said->table != hello_of(said->role).table)
        return Error{Errc::unavailable, 0, "the caller was built from another version of posada: restart it"};
    return said->role;
}

EnvelopePackets packets_of(Envelope envelope) {
    const std::vector<Recipient> all = std::exchange(envelope.recipients, {});
    std::span<const Recipient> rest = all;
    envelope.recipients = take_fitting(rest, to_bytes(envelope).size());
    EnvelopePackets packets{{}, {std::move(envelope)}};
    while (!rest.empty()) packets.more.push_back({take_fitting(rest, to_bytes(SubmitRecipients{}).size())});
    return packets;
}

Status check_recipients(std::span<const Recipient> recipients) {
    const auto bad = [](const Recipient& one) { return one.address.empty() || has_control(one.address); };
    if (std::any_of(recipients.begin(), recipients.end(), bad)) return malformed("recipient");
    return {};
}

Status check_envelope(const Envelope& envelope) {
    if (has_control(envelope.sender)) return malformed("sender");
    return check_recipients(envelope.recipients);
}

void tame(LeaseReport& report) {
    for (RowResult& result : report.results) {
        result.status = tamed(result.status, max_status);
        result.text = tamed(result.text, max_row_text);
        result.remote = tamed(result.remote, max_remote);
    }
}

} // namespace posada::smtpd
