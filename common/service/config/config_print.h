// SPDX-License-Identifier: BSD-2-Clause
// The configuration in force, as `posada config` shows it.
#pragma once

#include <span>
#include <string>

#include "common/service/config/config.h"

namespace posada::service {

struct PrintOptions {
    bool only_changed = false; // leave out what has its default
    bool origin = false;       // say where each value was written
};

// TOML that, loaded again, gives the same settings. Built-in listeners are shown as comments. settings: one per
// section, of one load; the common part is that of the first.
std::string config_as_toml(std::span<const Settings> settings, const PrintOptions& options);
// One object: {"hostname": ..., "tls": {...}, "pop3d": {..., "listeners": [...]}}; with origin every value is
// {"value": ..., "origin": "file:line:col" or null}.
std::string config_as_json(std::span<const Settings> settings, const PrintOptions& options);

} // namespace posada::service
