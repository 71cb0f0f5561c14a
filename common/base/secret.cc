// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/secret.h"

#include <string.h>

namespace posada {

void wipe(std::string& s) noexcept {
    s.resize(s.capacity());
    ::explicit_bzero(s.data(), s.size());
    s.clear();
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
    return difference == 0;
}

} // namespace posada
