// SPDX-License-Identifier: BSD-2-Clause
// APOP (RFC 1939 §7), the part that knows secrets. Its MD5 is as old as it looks: good enough for a random secret that
// is used for nothing else, and only for such (CVE-2007-1558 learns the start of a secret by collisions).
#pragma once

#include <string>
#include <string_view>

namespace posada::auth {

// Another one each time: "<2f8a...@host>".
std::string apop_challenge(std::string_view host);
// 32 lower-case hexadecimal digits of MD5(challenge secret); empty when the library has no MD5 (FIPS).
std::string apop_digest(std::string_view challenge, std::string_view secret);

} // namespace posada::auth
