// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/handlers.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace posada::ftp {

TEST(Commands, TheTableIsSortedAndSaysWhatEachDoes) {
    const auto table = rows();
    EXPECT_TRUE(std::is_sorted(table.begin(), table.end(), [](const Row& a, const Row& b) { return a.name < b.name; }));
    for (const Row& row : table) EXPECT_FALSE(row.help.empty()) << row.name;
}

TEST(Commands, AreFoundByAnUnambiguousBeginning) {
    EXPECT_EQ(find_row("mg").row->name, "mget");
    EXPECT_EQ(find_row("by").row->name, "bye");
    EXPECT_TRUE(find_row("m").ambiguous);
    EXPECT_TRUE(find_row("re").ambiguous);
    EXPECT_EQ(find_row("xyz").row, nullptr);
}

TEST(Commands, AWholeNameWinsAndTwoNamesOfOneThingAreOne) {
    EXPECT_EQ(find_row("cd").row->name, "cd");
    EXPECT_FALSE(find_row("cd").ambiguous);
    EXPECT_FALSE(find_row("rh").ambiguous);
    EXPECT_FALSE(find_row("q").row == nullptr);
}

TEST(Commands, WordsAreSplitAtBlanksOutsideQuotes) {
    EXPECT_EQ(split_command("get  a b"), (Words{"get", "a", "b"}));
    EXPECT_EQ(split_command("get 'a b' \"c d\"e f\\ g"), (Words{"get", "a b", "c de", "f g"}));
    EXPECT_EQ(split_command("put ''"), (Words{"put", ""}));
    EXPECT_EQ(split_command("  "), Words{});
    EXPECT_EQ(split_command("get 'a"), std::nullopt);
}

TEST(Commands, WithoutAServerTheyAreRefused) {
    Client client;
    EXPECT_EQ(run_line(client, "ls"), Exit::usage);
    EXPECT_EQ(run_line(client, "nosuch"), Exit::usage);
    EXPECT_EQ(run_line(client, "get 'x"), Exit::usage);
    EXPECT_EQ(run_line(client, ""), Exit::ok);
}

TEST(Commands, SettingsAreSwitchedAndSet) {
    Client client;
    EXPECT_EQ(run_line(client, "hash"), Exit::ok);
    EXPECT_TRUE(client.settings.hash);
    EXPECT_EQ(run_line(client, "hash off"), Exit::ok);
    EXPECT_FALSE(client.settings.hash);
    EXPECT_EQ(run_line(client, "hash perhaps"), Exit::usage);
    EXPECT_EQ(run_line(client, "binary"), Exit::ok);
    EXPECT_EQ(client.settings.type, 'I');
    EXPECT_EQ(run_line(client, "type ebcdic"), Exit::usage);
    EXPECT_EQ(run_line(client, "struct record"), Exit::usage);
    EXPECT_EQ(run_line(client, "passive off"), Exit::ok);
    EXPECT_EQ(client.settings.data, DataMode::active);
}

} // namespace posada::ftp
