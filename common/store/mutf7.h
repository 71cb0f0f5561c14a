// SPDX-License-Identifier: BSD-2-Clause
// Modified UTF-7 (RFC 3501 §5.1.3): how names of folders are written in a Maildir++. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posada::store {

// name: valid UTF-8; nullopt if it is not.
std::optional<std::string> mutf7_from_utf8(std::string_view name);
// nullopt: not modified UTF-7 in its only right form, so that no two names on disk are one folder.
std::optional<std::string> mutf7_to_utf8(std::string_view text);

} // namespace posada::store
