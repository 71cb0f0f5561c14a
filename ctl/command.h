// SPDX-License-Identifier: BSD-2-Clause
// `posada NAME ...`: one row per command, in the table of main.cc. posada(8) and `posada help` are made from the rows.
#pragma once

#include <string_view>

namespace posada::ctl {

struct Command {
    std::string_view name;
    std::string_view syntax;           // what follows the name: "add|passwd|list|remove [NAME]"
    std::string_view help;             // one line, no full stop
    int (*run)(int argc, char** argv); // argv[0] is the command's name; returns the exit status
};

constexpr int exit_usage = 64;
constexpr int exit_system = 71;
constexpr int exit_config = 78;

int demo_command(int argc, char** argv);
int status_command(int argc, char** argv);
int config_command(int argc, char** argv);
int check_command(int argc, char** argv);
int user_command(int argc, char** argv);

} // namespace posada::ctl
