// SPDX-License-Identifier: BSD-2-Clause
// UserOptions: the last field of a line of the users file, "quota=2G,quota_messages=10000". Which keys there are is a
// table in user_options.cc; a new one is a member here and a row there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace posada::auth {

constexpr std::size_t max_apop_secret = 255;

struct UserOptions {
    // Limits of the mailbox, 0 = none; absent = what [mailbox] says.
    std::optional<std::uint64_t> quota; // octets
    std::optional<std::uint64_t> quota_messages;

    std::string apop; // the secret of APOP logins (RFC 1939 §7), as it is: that is the price of APOP; "" = none

    [[nodiscard]] bool empty() const { return text().empty(); }
    [[nodiscard]] std::string text() const; // what parse reads
    // Errc::corrupt; the text names the key and says what is expected.
    static Result<UserOptions> parse(std::string_view text);
};

} // namespace posada::auth
