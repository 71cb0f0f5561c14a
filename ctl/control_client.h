// SPDX-License-Identifier: BSD-2-Clause
// The asking side of posadad's control socket: one line of JSON there, one line back.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace posada::ctl {

// --json, --config FILE, --control SOCKET, as status and reload take them.
struct ControlArguments {
    bool json = false;
    std::string config; // empty = the default file
    std::string socket; // empty = control.sock in the configuration's run_dir
};
// Errc::invalid names the argument that is wrong.
Result<ControlArguments> parse_control_arguments(std::span<const std::string_view> args);
// run_dir of the configuration; "" = the default file. Errors in sections of services do not matter.
Result<std::string> run_directory(const std::string& config);
// $POSADA_CONTROL stands in for a missing --control.
Result<std::string> control_path(const ControlArguments& arguments);
// Errc::unavailable: nobody answers there; the text says what to do.
Result<std::string> ask_control(const std::string& path, std::string_view command, Millis patience = Millis(5'000));

} // namespace posada::ctl
