// SPDX-License-Identifier: BSD-2-Clause
// What a compromised net process, agent or relay could send to the queue, and the queue's answers: byte 0 chooses the
// message. What decodes is encoded again and decodes to the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/text.h"
#include "smtpd/queue_protocol.h"

using namespace posada;
using namespace posada::smtpd;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void check_envelope(std::string_view bytes) {
    const auto envelope = decode_envelope(bytes);
    if (!envelope) return require(envelope.error().code == Errc::protocol);
    const EnvelopePackets packets = encode_envelope(*envelope);
    std::vector<Recipient> recipients;
    for (const std::string& payload : packets.recipients) require(decode_recipients(payload, recipients).ok());
    const auto again = decode_envelope(packets.submit);
    require(again.ok() && again->sender == envelope->sender && again->size == envelope->size);
    require(recipients.size() + again->recipients.size() == envelope->recipients.size());
}

void check_recipients(std::string_view bytes) {
    std::vector<Recipient> recipients;
    const auto status = decode_recipients(bytes, recipients);
    if (!status) require(status.error().code == Errc::protocol);
}

void check_report(std::string_view bytes) {
    const auto report = decode_report(bytes);
    if (!report) return require(report.error().code == Errc::protocol);
    for (const RowResult& one : report->results) {
        require(!has_control(one.text) && !has_control(one.status) && !has_control(one.remote));
        require(one.text.size() <= 4 * max_row_text); // an escaped byte is four
    }
    const auto again = decode_report(encode_report(*report));
    require(again.ok() && again->results.size() == report->results.size() && again->space == report->space);
}

template <class T>
void round_trip(std::string_view bytes, Result<T> (*decode)(std::string_view), std::string (*encode)(const T&)) {
    const auto decoded = decode(bytes);
    if (!decoded) return require(decoded.error().code == Errc::protocol || decoded.error().code == Errc::unavailable);
    require(encode(*decoded) == bytes);
}

std::string encode_role(const QueueRole& role) { return encode_hello(role); }
std::string encode_list(const std::vector<QueueEntry>& entries) { return encode_entries(entries); }

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 7) {
    case 0: check_envelope(bytes); break;
    case 1: check_recipients(bytes); break;
    case 2: check_report(bytes); break;
    case 3: round_trip<Lease>(bytes, decode_lease, encode_lease); break;
    case 4: round_trip<QueueStats>(bytes, decode_stats, encode_stats); break;
    case 5: round_trip<std::vector<QueueEntry>>(bytes, decode_entries, encode_list); break;
    default: round_trip<QueueRole>(bytes, decode_hello, encode_role); break;
    }
    return 0;
}
