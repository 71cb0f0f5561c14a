// SPDX-License-Identifier: BSD-2-Clause
// A path in the text of a 257 reply (RFC 959 appendix II): in quotes, a quote in it doubled.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posada::proto::ftp {

std::string quote_path(std::string_view path);
// From the text of a reply; nothing if the quotes do not balance.
std::optional<std::string> unquote_path(std::string_view reply_text);

} // namespace posada::proto::ftp
