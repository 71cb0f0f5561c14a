// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/bounce.h"

#include <gtest/gtest.h>

#include "common/base/text.h"
#include "smtpd/retry.h"

namespace posada::smtpd {
namespace {

BounceInput input_with(std::string_view head) {
    BounceInput input;
    input.hostname = "mx.micasa.test";
    input.report_id = "ABC.1";
    input.queue_id = "ABC";
    input.sender = "lir@micasa.test";
    input.received = 1'700'000'000;
    input.now = 1'700'000'100;
    input.head = head;
    input.recipients = {{"a@x.test", "5.1.1", "550 5.1.1 no such user", "192.0.2.1"},
                        {"b@micasa.test", "5.1.1", "no such user here", ""}};
    return input;
}

// Everything CRLF, no over-long line, no control byte.
void expect_well_formed(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i)
        ASSERT_TRUE((text[i] != '\n' && text[i] != '\r') || text.compare(text[i] == '\r' ? i : i - 1, 2, "\r\n") == 0);
    for (const std::string_view line : split(text, '\n')) EXPECT_LE(line.size(), 999U);
    EXPECT_EQ(text.find('\0'), std::string::npos);
}

TEST(Bounce, HasThePartsOfRfc3464) {
    const std::string text = make_bounce(input_with("Subject: hi\r\nX: y\r\n\r\nsecret body\r\n"));
    expect_well_formed(text);
    for (const char* part :
         {"To: <lir@micasa.test>\r\n", "Content-Type: multipart/report; report-type=delivery-status;\r\n",
          "Auto-Submitted: auto-replied\r\n", "Content-Type: message/delivery-status\r\n",
          "Reporting-MTA: dns; mx.micasa.test\r\n",
          "Final-Recipient: rfc822; a@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; 192.0.2.1\r\n",
          "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n", "Diagnostic-Code: X-Posada; no such user here\r\n",
          "Content-Type: text/rfc822-headers\r\n\r\nSubject: hi\r\nX: y\r\n"})
        EXPECT_NE(text.find(part), std::string::npos) << part;
    EXPECT_EQ(text.find("secret body"), std::string::npos);
}

TEST(Bounce, HostileHeadsStayInTheirPart) {
    const std::string boundary = "--=_ABC.1";
    const std::string text =
        make_bounce(input_with("A: b\r\n" + boundary + "--\r\nC: \0d\r" + std::string(3000, 'z') + "\r\nX: cut"));
    expect_well_formed(text);
    EXPECT_NE(text.find("\tboundary=\"=_ABC.1_\""), std::string::npos);
    EXPECT_EQ(text.find("X: cut"), std::string::npos) << "half a line is not returned";
}

TEST(Bounce, RemoteTextCannotAddFields) {
    BounceInput input = input_with("");
    input.recipients[0].text = "550 x\r\nBcc: everybody@x.test";
    const std::string text = make_bounce(input);
    expect_well_formed(text);
    EXPECT_EQ(text.find("\nBcc:"), std::string::npos);
}

TEST(Bounce, EightBitHeadersAreDeclared) {
    const std::string text = make_bounce(input_with("Subject: \xc3\xa9\r\n\r\n"));
    EXPECT_NE(text.find("Content-Transfer-Encoding: 8bit"), std::string::npos);
}

TEST(Bounce, IsNeverSentToTheNullPath) {
    EXPECT_FALSE(bounce_wanted(""));
    EXPECT_TRUE(bounce_wanted("a@b.test"));
}

TEST(Retry, WaitsGrowAndTheLastOneRepeats) {
    const Millis waits[] = {Millis(60'000), Millis(600'000)};
    const RetrySchedule schedule{waits, Seconds(100'000)};
    for (std::uint32_t chance = 0; chance < 50; ++chance) {
        const UnixTime first = *next_attempt(schedule, 1, 0, 1000, chance * 977);
        EXPECT_GE(first, 1000 + 54);
        EXPECT_LE(first, 1000 + 66);
        const UnixTime ninth = *next_attempt(schedule, 9, 0, 1000, chance * 977);
        EXPECT_GE(ninth, 1000 + 540);
        EXPECT_LE(ninth, 1000 + 660);
    }
}

TEST(Retry, MailThatFailedTogetherComesBackApart) {
    const Millis waits[] = {Millis(3'600'000)};
    EXPECT_NE(next_attempt({waits, Seconds(100'000)}, 1, 0, 0, 1),
              next_attempt({waits, Seconds(100'000)}, 1, 0, 0, 400'001));
}

TEST(Retry, TheLastAttemptIsAtTheEndOfTheLifetime) {
    const Millis waits[] = {Millis(3'600'000)};
    const RetrySchedule schedule{waits, Seconds(1000)};
    EXPECT_EQ(next_attempt(schedule, 1, 0, 900, 0), UnixTime{1000});
    EXPECT_EQ(next_attempt(schedule, 2, 0, 1000, 0), std::nullopt);
}

} // namespace
} // namespace posada::smtpd
