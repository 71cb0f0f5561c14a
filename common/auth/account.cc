// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/account.h"

#include <algorithm>

#include "common/base/text.h"

namespace posada::auth {

static bool name_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool valid_account_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > max_account_name) return false;
    if (name.front() == '-' || name.front() == '.') return false;
    return std::all_of(name.begin(), name.end(), name_char);
}

bool plausible_unix_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > 255 || name.front() == '-') return false;
    return !has_control(name) && name.find_first_of("/: \t") == std::string_view::npos;
}

std::string login_name(std::string_view typed, const std::vector<std::string>& domains) {
    const std::size_t at = typed.rfind('@');
    if (at != std::string_view::npos) {
        const std::string_view domain = typed.substr(at + 1);
        const bool ours =
            std::any_of(domains.begin(), domains.end(), [&](const std::string& d) { return iequals(d, domain); });
        if (ours) typed = typed.substr(0, at);
    }
    return std::string(typed);
}

} // namespace posada::auth
