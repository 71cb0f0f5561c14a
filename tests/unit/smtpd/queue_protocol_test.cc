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
    for (const std::uint16_t type : {TakeLease::row.type, EndLease::row.type, ListQueue::row.type, AskStats::row.type,
                                     RetryNow::row.type, RemoveMail::row.type})
        EXPECT_FALSE(has(QueueRole::receive, type)) << "who hands mail in can neither read nor list it: " << type;
    EXPECT_FALSE(has(QueueRole::deliver, Submit::row.type));
    EXPECT_FALSE(has(QueueRole::control, TakeLease::row.type));
}

TEST(QueueProtocol, HelloTellsRoleAndVersion) {
    EXPECT_EQ(*role_of(to_bytes(hello_of(QueueRole::relay))), QueueRole::relay);
    std::string other = to_bytes(hello_of(QueueRole::receive));
    other[3] = static_cast<char>(other[3] + 1);
    EXPECT_EQ(role_of(other).error().code, Errc::unavailable) << "another table";
    for (const char role : {'\0', '\5', '\xff'}) {
        other = to_bytes(hello_of(QueueRole{}));
        other[0] = role;
        EXPECT_FALSE(role_of(other).ok()) << int{role};
    }
    EXPECT_EQ(role_of("").error().code, Errc::unavailable) << "another form";
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
    const EnvelopePackets packets = packets_of(envelope);
    EXPECT_GT(packets.more.size(), 1U);
    EXPECT_LE(to_bytes(packets.submit).size(), priv::max_payload);
    auto submit = from_bytes<Submit>(to_bytes(packets.submit));
    ASSERT_TRUE(submit.ok());
    Envelope* decoded = &submit->envelope;
    for (const SubmitRecipients& more : packets.more) {
        EXPECT_LE(to_bytes(more).size(), priv::max_payload);
        for (const Recipient& one : more.recipients) decoded->recipients.push_back(one);
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
    EXPECT_EQ(check_envelope(envelope).error().code, Errc::protocol);
    envelope.recipients = {{"", RecipientKind::local}};
    EXPECT_FALSE(check_envelope(envelope).ok());
    envelope.recipients = {{"a@x.test", RecipientKind::local}};
    EXPECT_TRUE(check_envelope(envelope).ok());
    envelope.sender = "x\r@y";
    EXPECT_FALSE(check_envelope(envelope).ok());
}

TEST(QueueProtocol, TruncatedAndPaddedPayloadsAreRefused) {
    Lease lease;
    lease.destination = "daniel@micasa.test";
    lease.messages.push_back({"Q", "s", false, 1, 2, 3, {{4, "a", 5, true}}});
    const std::string good = to_bytes(lease);
    ASSERT_TRUE(from_bytes<Lease>(good).ok());
    for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(from_bytes<Lease>(good.substr(0, n)).ok()) << n;
    EXPECT_FALSE(from_bytes<Lease>(good + "x").ok());
}

TEST(QueueProtocol, ResultTextsAreEscapedAndCut) {
    const RowResult result{7, RowOutcome::failed, "5.1.1", std::string("a\nb") + std::string(2000, 'x'), "re\tmote"};
    LeaseReport report{{result}, {}};
    tame(report);
    EXPECT_EQ(report.results.front().text.find('\n'), std::string::npos);
    EXPECT_LE(report.results.front().text.size(), max_row_text);
    EXPECT_EQ(report.results.front().remote, "re\\x09mote");
}

} // namespace
} // namespace posada::smtpd
