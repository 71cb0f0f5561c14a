// SPDX-License-Identifier: BSD-2-Clause
// What every crash program begins with: a directory in memory (thousands of recoveries, and nothing of it must last),
// files of its own only, and nobody who hears the log.
#pragma once

#include <string>

#include "common/base/log.h"

namespace posada::crash {

class Scratch final : private LogSink {
  public:
    Scratch(); // exit(71) if there is no place for it
    ~Scratch() override;
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    // An empty directory; what was there under this name is gone.
    [[nodiscard]] std::string fresh(const std::string& name) const;

  private:
    void write(const LogEvent&, std::string_view) noexcept override {}
    std::string path_ = "/dev/shm/posada-crash-XXXXXX";
};

} // namespace posada::crash
