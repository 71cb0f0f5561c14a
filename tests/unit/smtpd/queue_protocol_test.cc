// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/queue_protocol.h"

#include <gtest/gtest.h>

namespace posada::smtpd {
namespace {

TEST(QueueProtocol, EveryRoleHasItsOwnTable) {
    const auto has = [](QueueRole role, std::uint16_t type) {
        for (const auto& row : queue_requests(role))
            if (row.type == type) return true;
        return false;
    };
    for (const std::uint16_t type : {queue_lease, queue_done, queue_list, queue_stats, queue_retry, queue_remove})
        EXPECT_FALSE(has(QueueRole::receive, type)) << "who hands mail in can neither read nor list it: " << type;
    EXPECT_FALSE(has(QueueRole::deliver, queue_submit));
    EXPECT_FALSE(has(QueueRole::control, queue_lease));
}

TEST(QueueProtocol, HelloTellsRoleAndVersion) {
    EXPECT_EQ(*decode_hello(encode_hello(QueueRole::relay)), QueueRole::relay);
    std::string other = encode_hello(QueueRole::receive);
    other[3] = static_cast<char>(other[3] + 1);
    EXPECT_EQ(decode_hello(other).error().code, Errc::unavailable);
    other = encode_hello(QueueRole::receive);
    other[2] = 9;
    EXPECT_EQ(decode_hello(other).error().code, Errc::protocol);
}

TEST(QueueProtocol, AnEnvelopeOfAnySizeArrivesInPacketsThatFit) {
    Envelope envelope;
    envelope.sender = "lir@micasa.test";
    envelope.body_8bit = true;
    envelope.client_name = "sc\"an";
    envelope.size = 77;
    for (int i = 0; i < 3000; ++i)
        envelope.recipients.push_back({std::to_string(i) + std::string(60, 'a') + "@x.test",
                                       i % 2 == 0 ? RecipientKind::local : RecipientKind::route});
    const EnvelopePackets packets = encode_envelope(envelope);
    EXPECT_GT(packets.recipients.size(), 1U);
    EXPECT_LE(packets.submit.size(), priv::max_payload);
    auto decoded = decode_envelope(packets.submit);
    ASSERT_TRUE(decoded.ok());
    for (const std::string& more : packets.recipients) {
        EXPECT_LE(more.size(), priv::max_payload);
        ASSERT_TRUE(decode_recipients(more, decoded->recipients));
    }
    ASSERT_EQ(decoded->recipients.size(), 3000U);
    EXPECT_EQ(decoded->recipients[2999].address, envelope.recipients[2999].address);
    EXPECT_EQ(decoded->recipients[2999].kind, RecipientKind::route);
    EXPECT_TRUE(decoded->body_8bit);
    EXPECT_EQ(decoded->client_name, "sc\"an");
}

TEST(QueueProtocol, R15_ControlCharactersInAddressesAreABreach) { // CVE-2020-28021, 28026
    Envelope envelope;
    envelope.recipients = {{"a\n@x.test", RecipientKind::local}};
    EXPECT_EQ(decode_envelope(encode_envelope(envelope).submit).error().code, Errc::protocol);
    envelope.recipients = {{"a@x.test", RecipientKind::local}};
    envelope.sender = "x\r@y";
    EXPECT_FALSE(decode_envelope(encode_envelope(envelope).submit).ok());
}

TEST(QueueProtocol, TruncatedAndPaddedPayloadsAreRefused) {
    Lease lease;
    lease.destination = "daniel@micasa.test";
    lease.messages.push_back({"Q", "s", false, 1, 2, 3, {{4, "a", 5, true}}});
    const std::string good = encode_lease(lease);
    ASSERT_TRUE(decode_lease(good).ok());
    for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode_lease(good.substr(0, n)).ok()) << n;
    EXPECT_FALSE(decode_lease(good + "x").ok());
}

TEST(QueueProtocol, ResultTextsAreEscapedAndCut) {
    const RowResult result{7, RowOutcome::failed, "5.1.1", std::string("a\nb") + std::string(2000, 'x'), "re\tmote"};
    auto decoded = decode_report(encode_report({{result}, {}}));
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->results.front().text.find('\n'), std::string::npos);
    EXPECT_LT(decoded->results.front().text.size(), 520U);
    EXPECT_EQ(decoded->results.front().remote, "re\\x09mote");
}

} // namespace
} // namespace posada::smtpd
