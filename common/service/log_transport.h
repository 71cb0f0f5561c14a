// SPDX-License-Identifier: BSD-2-Clause
// Where log lines go. Net processes and agents send records to their launcher (RecordSink), which checks, stamps and
// prints them (LogReceiver); a launcher writes to journald's native socket, syslog or standard error.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/fd.h"
#include "common/base/log.h"

namespace posada::service {

constexpr std::size_t max_log_record = 4096;

// For sandboxed processes: one datagram per line, never blocks, drops when the launcher does not keep up.
class RecordSink final : public LogSink {
  public:
    explicit RecordSink(int fd) : fd_(fd) {}
    void write(const LogEvent& event, std::string_view line) noexcept override;

  private:
    int fd_; // borrowed, lives as long as the process
};

// A record as received: who really sent it (SCM_CREDENTIALS) and its line, controls escaped again.
struct LogRecord {
    pid_t pid = 0;
    const LogEvent* event = nullptr;
    std::string line;
};
// The socket pair: first = the launcher's end (non-blocking, SO_PASSCRED), second = for children.
Result<std::pair<UniqueFd, UniqueFd>> make_log_pair();
// nullopt: nothing there now. A record with an unknown or monitor_only event comes back as privilege_breach naming it.
Result<std::optional<LogRecord>> receive_log_record(int fd);

enum class LogTarget : std::uint8_t { automatic, standard_error, syslog, journal };
// automatic: journald when $JOURNAL_STREAM is our standard error, syslog when standard error is /dev/null (inetd), else
// standard error.
std::unique_ptr<LogSink> make_log_sink(LogTarget target, std::string_view ident, LogLevel least);

} // namespace posada::service
