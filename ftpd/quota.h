// SPDX-License-Identifier: BSD-2-Clause
// Quota: how many octets the files below a top have, kept in a file there that all sessions of the user share and no
// client can name. It is counted when that file is missing or a day old, so that changes by other ways are seen too.
#pragma once

#include <cstdint>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/result.h"
#include "ftpd/file_terms.h"
#include "ftpd/tree.h"

namespace posada::ftpd {

class Quota {
  public:
    // limit: octets; 0: none, and nothing is ever counted. tree outlives us.
    Quota(const Tree& tree, std::uint64_t limit) : tree_(tree), limit_(limit) {}
    [[nodiscard]] bool on() const { return limit_ != 0; }
    // How long a file that has before octets now may become; no_quota without a limit. Errc::no_space: not longer.
    [[nodiscard]] Result<std::uint64_t> largest(std::uint64_t before) const;
    // The files have grown by so much, or shrunk. What cannot be written down is counted within a day.
    void grown(std::int64_t octets) const;

  private:
    struct Count {
        std::uint64_t octets = 0;
        UnixTime counted = 0;
    };
    [[nodiscard]] Result<UniqueFd> lock() const;
    [[nodiscard]] Result<Count> current(const UniqueFd& file) const;
    [[nodiscard]] Result<std::uint64_t> count_all() const;

    const Tree& tree_;
    std::uint64_t limit_;
};

} // namespace posada::ftpd
