// SPDX-License-Identifier: BSD-2-Clause
#include "supervisor/control.h"

#include <gtest/gtest.h>

#include "supervisor/spawn.h"

namespace posada::supervisor {

namespace {

TEST(ControlRequest, OnlyAnObjectWithATextCommandCounts) {
    EXPECT_EQ(parse_request(R"({"command":"status"})"), "status");
    EXPECT_EQ(parse_request(R"({"command":"reload","more":[1]})"), "reload");
    for (const char* wrong :
         {"", "status", "[]", "{}", R"({"command":7})", R"({"command":)", "{\"command\":\"\xff\"}", "[[[[[["})
        EXPECT_EQ(parse_request(wrong), "") << wrong;
}

TEST(ControlReport, HasNoPidWhenNothingRuns) {
    StatusReport report;
    report.isolation = "sandbox only, no PAM";
    report.pid = 7;
    ServiceReport down;
    down.name = "pop3d";
    down.state = "backoff";
    down.next_try_seconds = 32;
    down.last_exit = "signal 11 (\xff)";
    report.services.push_back(down);
    const std::string text = encode_report(report);
    EXPECT_NE(text.find(R"("pid":null)"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("next_try_seconds":32)"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("isolation":"sandbox only, no PAM")"), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(ControlReport, AnErrorKeepsItsTextOnOneLine) {
    const std::string text = encode_result(false, "posada.toml:3:1: unknown key\n  portt = 1\n  ^");
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_NE(text.find(R"("ok":false)"), std::string::npos);
}

TEST(Exit, IsDescribedForPeople) {
    EXPECT_EQ(describe_exit(78 << 8), "exit 78");
    EXPECT_EQ(describe_exit(11), "signal 11 (Segmentation fault)");
}

} // namespace

} // namespace posada::supervisor
