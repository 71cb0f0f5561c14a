// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/mailbox_spaces.h"

#include <gtest/gtest.h>

namespace posada::smtpd {
namespace {

using Verdict = KnownSpaces::Verdict;

constexpr std::uint64_t max_message = 1'000'000;
constexpr Millis trust{60'000};

struct MailboxSpaces : testing::Test {
    SpaceReports reports{trust, max_message};
    KnownSpaces known;
    Instant now = Instant() + Seconds(1'000);

    void report(const std::string& name, const MailboxSpace& space) {
        reports.note(name, space, now);
        EXPECT_EQ(reports.told(now).version, reports.version());
        known.adopt(reports.told(now), now);
    }
};

TEST_F(MailboxSpaces, AFullMailboxIsRefusedUntilTheReportIsOld) {
    report("lir", {0, unlimited_space, false});
    EXPECT_EQ(known.ask("lir", 0, now), Verdict::full);
    EXPECT_EQ(known.ask("daniel", 0, now), Verdict::room);
    EXPECT_EQ(known.ask("lir", 0, now + trust - Millis(1)), Verdict::full);
    EXPECT_EQ(known.ask("lir", 0, now + trust), Verdict::room);
}

TEST_F(MailboxSpaces, AMailLargerThanWhatIsLeftIsRefused) {
    report("lir", {5'000, 1, true});
    EXPECT_EQ(known.ask("lir", 0, now), Verdict::room) << "not known to be too large";
    EXPECT_EQ(known.ask("lir", 5'000, now), Verdict::room);
    EXPECT_EQ(known.ask("lir", 5'001, now), Verdict::full_for_good);
}

TEST_F(MailboxSpaces, RoomForLessThanTheSmallestMailIsNone) {
    report("lir", {least_mail - 1, unlimited_space, false});
    EXPECT_EQ(known.ask("lir", 0, now), Verdict::full);
    report("lir", {least_mail, unlimited_space, false});
    EXPECT_EQ(known.ask("lir", 0, now), Verdict::room);
}

TEST_F(MailboxSpaces, ANumberOfMessagesCanBeUsedUpToo) {
    report("lir", {unlimited_space, 1, false});
    EXPECT_EQ(known.ask("lir", 900'000, now), Verdict::room);
    known.accepted("lir", 10);
    EXPECT_EQ(known.ask("lir", 0, now), Verdict::full);
}

TEST_F(MailboxSpaces, WhatIsAcceptedTakesRoomBeforeTheNextReport) {
    report("lir", {10'000, unlimited_space, false});
    known.accepted("lir", 6'000);
    known.accepted("daniel", 6'000);
    EXPECT_EQ(known.ask("lir", 4'001, now), Verdict::full);
    EXPECT_EQ(known.ask("lir", 4'000, now), Verdict::room);
    known.accepted("lir", 6'000);
    EXPECT_EQ(known.ask("lir", 0, now), Verdict::full);
}

TEST_F(MailboxSpaces, SpaceThatWasMadeIsKnownWithTheNextReport) {
    report("lir", {0, 0, true});
    report("lir", {max_message, tight_messages, true});
    EXPECT_EQ(known.ask("lir", max_message, now), Verdict::room);
}

TEST_F(MailboxSpaces, AMailboxWithRoomForEveryMailIsNoNews) {
    const std::uint64_t before = reports.version();
    report("lir", {max_message, tight_messages, false});
    EXPECT_EQ(reports.version(), before);
    report("lir", {max_message - 1, tight_messages, false});
    EXPECT_NE(reports.version(), before);
}

TEST_F(MailboxSpaces, NoNameTravels) {
    reports.note("a-secret-name", {0, 0, false}, now);
    EXPECT_EQ(to_bytes(reports.told(now)).find("secret"), std::string::npos);
    EXPECT_EQ(mailbox_key("x").size(), 16U);
    EXPECT_NE(mailbox_key("x"), mailbox_key("X"));
}

TEST_F(MailboxSpaces, TheMemoryIsBoundedAndTheOldestGoes) {
    for (std::size_t i = 0; i <= max_space_reports; ++i) {
        now += Millis(1);
        reports.note("user" + std::to_string(i), {0, 0, false}, now);
    }
    EXPECT_LE(to_bytes(reports.told(now)).size(), 60'000U) << "one packet";
    known.adopt(reports.told(now), now);
    EXPECT_EQ(known.ask("user0", 0, now), Verdict::room);
    EXPECT_EQ(known.ask("user1", 0, now), Verdict::full);
    EXPECT_EQ(known.ask("user" + std::to_string(max_space_reports), 0, now), Verdict::full);
}

} // namespace
} // namespace posada::smtpd
