// SPDX-License-Identifier: BSD-2-Clause
// A log line is an event (id from common/base/events.h) plus named fields; the peer's address comes before any text
// the client controls, and every value is escaped:   auth-fail service=pop3d rip=192.0.2.7 user="x" reason=bad-password
// The only global of the program is the sink.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/events.h"

namespace posada {

struct LogField {
    std::string_view name;
    std::string value;
};

// "event-id name=value name="quoted value"": values that are not plain words are quoted and escaped.
std::string format_log(const LogEvent& event, const std::vector<LogField>& fields);

class LogSink {
  public:
    virtual ~LogSink() = default;
    // line: what format_log made. Must not fail visibly and must not block for long.
    virtual void write(const LogEvent& event, std::string_view line) noexcept = 0;
};

// The sink outlives every log call; nullptr = standard error. Returns the previous one.
LogSink* set_log_sink(LogSink* sink) noexcept;

void log(const LogEvent& event, const std::vector<LogField>& fields = {});

// Standard error; with journal_prefix "<6>" levels in front (sd-daemon(3)) for systemd and posadad.
class StderrSink final : public LogSink {
  public:
    explicit StderrSink(std::string ident, bool journal_prefix = false)
        : ident_(std::move(ident)), journal_prefix_(journal_prefix) {}
    void write(const LogEvent& event, std::string_view line) noexcept override;

  private:
    std::string ident_;
    bool journal_prefix_;
};

} // namespace posada
