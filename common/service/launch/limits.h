// SPDX-License-Identifier: BSD-2-Clause
// Who may connect: one table in shared memory, used by every launcher of the host (inetd mode too). A slot per live
// connection carries the pid that accounts for it, so a killed launcher leaks nothing: its slots are reclaimed when a
// limit is about to refuse somebody. A penalty doubles from start to max and fades after max of good behaviour.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/service/config/options.h"

namespace posada::service {

enum class Refused : std::uint8_t { total, per_service, per_source, penalty };
const char* refused_name(Refused which) noexcept;

class Limits {
  public:
    // path: the shared file (created 0600), or empty for this process alone.
    static Result<Limits> open(const std::string& path, std::string_view service, const LimitConfig& config);
    Limits(Limits&& other) noexcept;
    Limits& operator=(Limits&& other) noexcept;
    ~Limits();

    struct Admission {
        std::uint32_t slot = 0; // release() it when the connection has ended
        std::optional<Refused> refused;
    };
    Admission admit(std::string_view source_key, Instant now);
    void release(std::uint32_t slot);
    // The connection of this slot is another source's (a proxy has named its client); refused: nothing has changed.
    std::optional<Refused> rename(std::uint32_t slot, std::string_view source_key, Instant now);
    // A crash or abuse by this source: doubles its penalty; returns its new length.
    Millis penalise(std::string_view source_key, Instant now);

  private:
    struct Table; // the shared memory
    Limits(std::unique_ptr<Table> table, std::string_view service, const LimitConfig& config);
    std::unique_ptr<Table> table_;
    LimitConfig config_;
    std::uint64_t service_;
};

} // namespace posada::service
