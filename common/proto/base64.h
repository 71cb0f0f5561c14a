// SPDX-License-Identifier: BSD-2-Clause
// Base64 of RFC 4648 4, strict: no white space, no line breaks, canonical padding, zero bits behind the last octet.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace posada::proto {

std::string base64_encode(std::string_view bytes);
// nullopt on anything that base64_encode would not have written, or when the result exceeds max_bytes.
std::optional<std::string> base64_decode(std::string_view text, std::size_t max_bytes);

} // namespace posada::proto
