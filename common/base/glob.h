// SPDX-License-Identifier: BSD-2-Clause
// File name patterns as the shell has them: * any characters, ? one, [a-z] [!a-z] one octet of a set, \x the x itself.
// The time is at most the product of both lengths: no pattern of stars makes it explode.
#pragma once

#include <string_view>

namespace posada {

// Whether anything but the name itself could fit it.
bool is_glob(std::string_view text);
// The whole name. Names that start with "." want a pattern that does.
bool glob_matches(std::string_view pattern, std::string_view name);

} // namespace posada
