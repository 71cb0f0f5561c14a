// SPDX-License-Identifier: BSD-2-Clause
// A line of the FTP control connection is a line of Telnet (RFC 959 §4, RFC 1123 §4.1.2.12): what a client's Telnet
// layer may put into it is taken out, and nothing is ever negotiated.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posada::proto::ftp {

// raw: a line without its end. Telnet commands go (the Synch in front of ABOR), IAC IAC becomes one octet 255, CR NUL
// one CR (RFC 2640 §3.1). Nothing: a NUL or a lone CR is left, which no command has.
std::optional<std::string> clean_control_line(std::string_view raw);

// A line on its way out: control octets become '?', 255 is doubled. Bytes above 127 pass: names are bytes (RFC 2640).
std::string control_text(std::string_view text);

} // namespace posada::proto::ftp
