// SPDX-License-Identifier: BSD-2-Clause
// ~/.netrc: logins by host. A file with a password in it that others may read is not used, and that is said.
// parse_netrc is what the tests and the fuzzer see; add_netrc reads the file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clients/ftp/server.h"

namespace posada::ftp {

struct NetrcEntry {
    std::string host; // empty: default
    Login login;
    std::map<std::string, std::vector<std::string>> macros; // macdef: lines up to an empty one
};

// Errc::invalid for a word that is none of netrc's.
Result<std::vector<NetrcEntry>> parse_netrc(std::string_view text);
// The entry of this host, and for this user if one is wanted; or the default one; or nullptr.
const NetrcEntry* find_entry(const std::vector<NetrcEntry>& entries, std::string_view host, std::string_view user);

// Completes what is not in login. $NETRC, or .netrc in the home directory; none is no failure. If macros is not
// nullptr, it gets those of the entry.
Status add_netrc(Login& login, const std::string& host,
                 std::map<std::string, std::vector<std::string>>* macros = nullptr);

} // namespace posada::ftp
