// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/log.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "common/base/sanitized.h"
#include "common/base/text.h"

namespace posada {

namespace {

LogSink* current_sink = nullptr;

constexpr LogEvent events[] = {
#define POSADA_EVENT(name, id, level, monitor_only, fields, meaning) event::name,
#include "common/base/events.def"
#undef POSADA_EVENT
};

bool is_plain_word(std::string_view s) noexcept {
    return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-_.:/+@,[]").find(c) != std::string_view::npos;
    });
}

#ifdef POSADA_SANITIZED
bool may_have(const LogEvent& event, std::string_view field) {
    for (auto [name, rest] = split_word(event.fields); !name.empty(); std::tie(name, rest) = split_word(rest))
        if (name == field) return true;
    return false;
}
#endif

} // namespace

std::span<const LogEvent> all_log_events() noexcept { return events; }

const LogEvent* find_log_event(std::string_view id) noexcept {
    for (const LogEvent& event : events)
        if (event.id == id) return &event;
    return nullptr;
}

std::string format_log(const LogEvent& event, const std::vector<LogField>& fields) {
    std::string line(event.id);
    for (const LogField& field : fields) {
#ifdef POSADA_SANITIZED
        if (!may_have(event, field.name)) std::abort();
#endif
        line.append(" ").append(field.name).append("=");
        if (is_plain_word(field.value)) {
            line += field.value;
        } else {
            line.append("\"").append(escape_for_log(field.value)).append("\"");
        }
    }
    return line;
}

LogSink* set_log_sink(LogSink* sink) noexcept { return std::exchange(current_sink, sink); }

void log(const LogEvent& event, const std::vector<LogField>& fields) {
    const std::string line = format_log(event, fields);
    if (current_sink != nullptr) {
        current_sink->write(event, line);
        return;
    }
    StderrSink("posada").write(event, line);
}

void StderrSink::write(const LogEvent& event, std::string_view line) noexcept {
    std::string out;
    if (journal_prefix_) out.append("<").append(std::to_string(syslog_priority(event.level))).append(">");
    out.append(ident_).append("[").append(std::to_string(::getpid())).append("]: ").append(line).append("\n");
    // One write(2) per line: lines of several processes do not mix.
    if (::write(STDERR_FILENO, out.data(), out.size()) < 0) return;
}

} // namespace posada
