// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/echod/commands.h"

#include "tests/support/echod/session.h"

namespace posada::echod {

using proto::Arg;
using proto::hidden;

std::span<const proto::CommandRow<Session>> commands() noexcept {
    constexpr proto::StateSet any = state_start | state_user;
    constexpr std::uint16_t secret = proto::needs_privacy | proto::redact;
    // clang-format off
    static const proto::CommandRow<Session> table[] = {
        {"ECHO", Arg::optional, any, 0, "ECHO [text]", "Says it again.", "", nullptr, "", &Session::on_echo},
        {"UPPER", Arg::required, any, 0, "UPPER text", "Has the monitor say it louder.", "", nullptr, "", &Session::on_upper},
        {"OPEN", Arg::none, any, 0, "OPEN", "Has the monitor open a file.", "", nullptr, "", &Session::on_open},
        {"WHERE", Arg::none, any, 0, "WHERE", "Asks the monitor who is connected.", "", nullptr, "", &Session::on_where},
        {"LOGIN", Arg::required, state_start, secret, "LOGIN name password", "Logs in.", "", nullptr, "", &Session::on_login},
        {"READ", Arg::required, state_user, 0, "READ name", "Has the user's agent open a file.", "", nullptr, "", &Session::on_read},
        {"STARTTLS", Arg::none, any, proto::starts_tls, "STARTTLS", "Encrypts the connection.", "", nullptr, "", &Session::on_starttls},
        {"QUIT", Arg::none, any, 0, "QUIT", "Ends.", "", nullptr, "", &Session::on_quit},
        // What a process that was taken over might do.
        {"NAME", Arg::required, any, hidden, "NAME address", "Claims an address.", "", nullptr, "", &Session::on_name},
        {"CRASH", Arg::none, any, hidden, "CRASH", "Dies by a signal.", "", nullptr, "", &Session::on_crash},
    };
    // clang-format on
    return table;
}

} // namespace posada::echod
