// SPDX-License-Identifier: BSD-2-Clause
// Every log event of posada: id, level, the fields it may have, meaning. posada-log(5) is generated from this table;
// tests/lint/events.py compares it with what the sources log, and a build with sanitizers aborts at a field that is not
// its event's. An id never changes its meaning; events marked monitor_only (verdicts that ban tools act on) are
// accepted by the launcher only from its own monitor, so that a parser cannot forge them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace posada {

enum class LogLevel : std::uint8_t { debug, info, notice, warning, error };
// syslog(3), sd-daemon(3): LOG_DEBUG is 7, LOG_ERR 3.
constexpr int syslog_priority(LogLevel level) { return 7 - static_cast<int>(level); }

struct LogEvent {
    std::string_view id;
    LogLevel level;
    bool monitor_only;
    std::string_view fields; // with a space between
    std::string_view meaning;
};

namespace event {
#define POSADA_EVENT(name, id, level, monitor_only, fields, meaning)                                                   \
    inline constexpr LogEvent name{id, LogLevel::level, monitor_only, fields, meaning};
#include "common/base/events.def"
#undef POSADA_EVENT
} // namespace event

std::span<const LogEvent> all_log_events() noexcept;
const LogEvent* find_log_event(std::string_view id) noexcept;

} // namespace posada
