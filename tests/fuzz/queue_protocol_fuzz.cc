// SPDX-License-Identifier: BSD-2-Clause
// What a compromised net process, agent or relay could send to the queue, and the queue's answers: byte 0 chooses the
// struct. What decodes is encoded again to the same octets.
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

template <class T>
Result<T> round_trip(std::string_view bytes) {
    auto decoded = from_bytes<T>(bytes);
    if (decoded)
        require(to_bytes(*decoded) == bytes);
    else
        require(decoded.error().code == Errc::protocol);
    return decoded;
}

void submit(std::string_view bytes) {
    const auto asked = round_trip<Submit>(bytes);
    if (!asked || asked->envelope.recipients.size() > 3000) return;
    const EnvelopePackets packets = packets_of(asked->envelope);
    std::size_t count = packets.submit.envelope.recipients.size();
    for (const SubmitRecipients& more : packets.more) count += more.recipients.size();
    require(count == asked->envelope.recipients.size());
    if (!check_envelope(asked->envelope)) return;
    require(!has_control(asked->envelope.sender));
    for (const Recipient& one : asked->envelope.recipients) require(!one.address.empty() && !has_control(one.address));
}

void report(std::string_view bytes) {
    auto said = round_trip<LeaseReport>(bytes);
    if (!said) return;
    tame(*said);
    for (const RowResult& one : said->results) {
        require(!has_control(one.text) && !has_control(one.status) && !has_control(one.remote));
        require(one.text.size() <= max_row_text);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 8) {
    case 0: submit(bytes); break;
    case 1: (void)round_trip<SubmitRecipients>(bytes); break;
    case 2: report(bytes); break;
    case 3: (void)round_trip<Lease>(bytes); break;
    case 4: (void)round_trip<QueueStats>(bytes); break;
    case 5: (void)round_trip<QueueEntries>(bytes); break;
    case 6: (void)round_trip<Spaces>(bytes); break;
    default: (void)role_of(bytes); break;
    }
    return 0;
}
