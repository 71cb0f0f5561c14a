// SPDX-License-Identifier: BSD-2-Clause
// Paths of a tree that is shown to somebody (RFC 3659 §6, TVFS): "/" is its top, components are bytes, "." and ".."
// mean what they say and are resolved here, by text, so that nobody can step above the top. Links are the file system's
// business.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posada {

constexpr std::size_t max_path = 4096; // octets, as the kernel's PATH_MAX

// "/a/b" + "../c" = "/a/c"; "" is the directory itself. cwd is such a path already. Nothing: empty of sense (NUL in
// it), or longer than max_path.
std::optional<std::string> resolve_path(std::string_view cwd, std::string_view typed);
// "/a/b" -> "/a"; "/" -> "/"
std::string_view parent_of(std::string_view path);
// "/a/b" -> "b"; "/" -> ""
std::string_view name_of(std::string_view path);

} // namespace posada
