// SPDX-License-Identifier: BSD-2-Clause
// What --json prints.
#pragma once

#include <cstdio>
#include <nlohmann/json.hpp>

namespace posada::ctl {

// Names of files and texts of mails need not be UTF-8; dump() would throw at them.
inline void print_json(const nlohmann::ordered_json& value) {
    std::puts(value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

} // namespace posada::ctl
