// SPDX-License-Identifier: BSD-2-Clause
// A password that has to wait in the monitor. It lies in a page of its own that the kernel wipes in every forked child:
// an agent of another user, forked meanwhile, does not inherit it.
#pragma once

#include "common/base/secret.h"

namespace posada::auth {

class ParkedSecret {
  public:
    ParkedSecret() = default;
    ~ParkedSecret() { clear(); }
    ParkedSecret(const ParkedSecret&) = delete;
    ParkedSecret& operator=(const ParkedSecret&) = delete;
    // false: no memory, or larger than a page; nothing is kept then.
    [[nodiscard]] bool park(Secret secret) noexcept;
    // What was parked, once; all zero bytes in a forked child.
    [[nodiscard]] Secret take();

  private:
    void clear() noexcept;
    void* page_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace posada::auth
