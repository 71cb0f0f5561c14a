// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/commands.h"

#include <gtest/gtest.h>

#include <set>

#include "pop3d/session.h"

using namespace posada;
using namespace posada::pop3d;

TEST(Pop3Commands, EveryRowIsComplete) {
    std::set<std::string_view> verbs;
    for (const auto& row : commands()) {
        EXPECT_TRUE(verbs.insert(row.verb).second) << row.verb;
        EXPECT_TRUE(row.syntax.starts_with(row.verb)) << row.verb;
        EXPECT_FALSE(row.help.empty()) << row.verb;
        EXPECT_NE(row.handler, nullptr) << row.verb;
        EXPECT_NE(row.states, 0U) << row.verb;
    }
}

TEST(Pop3Commands, WhatCarriesAPasswordIsMaskedAndNeedsPrivacy) {
    for (const char* verb : {"PASS", "AUTH"}) {
        const auto* row = proto::find_command(commands(), verb);
        ASSERT_NE(row, nullptr);
        EXPECT_TRUE((row->flags & proto::redact) != 0 && (row->flags & proto::needs_privacy) != 0) << verb;
    }
    EXPECT_EQ(proto::redacted(commands(), "pass secret"), "PASS (hidden)");
}
