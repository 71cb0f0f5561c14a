// SPDX-License-Identifier: BSD-2-Clause
// `posada NAME ...`: one row per command, in the table of main.cc; `posada help` and posada(8) show the rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/exit_code.h"

namespace posada::ctl {

struct Command {
    std::string_view name;
    std::string_view syntax;                            // what follows the name: "[--json]"
    std::string_view help;                              // one line, no full stop
    int (*run)(std::span<const std::string_view> args); // what follows the name; returns the exit status
};

constexpr int exit_failed = 1;

int demo_command(std::span<const std::string_view> args);
int status_command(std::span<const std::string_view> args);
int reload_command(std::span<const std::string_view> args);
int config_command(std::span<const std::string_view> args);
int check_command(std::span<const std::string_view> args);
int queue_command(std::span<const std::string_view> args);

std::string age(std::int64_t seconds); // 61 -> "1m1s"

} // namespace posada::ctl
