// SPDX-License-Identifier: BSD-2-Clause
// The net side of login_protocol.h: what a session wants checked becomes a request, the answer what the session is
// told. Passwords are wiped from what was sent. on_answer may be called at once.
#pragma once

#include <functional>
#include <string>

#include "common/base/fd.h"
#include "common/proto/sasl.h"
#include "common/service/login_protocol.h"
#include "common/service/monitor_client.h"

namespace posada::service {

struct LoginAnswer {
    std::string name;             // of the account
    std::string server_signature; // SCRAM
    UniqueFd agent;               // the channel to the user's agent, where the daemon has agents
};
// An error is for login_refusal().
using OnLogin = std::function<void(Result<LoginAnswer>)>;
using OnServerFirst = std::function<void(Result<std::string>)>;

void ask_login(MonitorClient& monitor, std::uint64_t session, const proto::CheckPassword& check, OnLogin on_answer);
void ask_login(MonitorClient& monitor, std::uint64_t session, const proto::SaslScramFinal& final, OnLogin on_answer);
void ask_scram(MonitorClient& monitor, std::uint64_t session, const proto::SaslScramFirst& first,
               OnServerFirst on_answer);
// A row whose answer is like check_password's. A payload that could not be made is too long, which no right name and
// password are: denied.
void ask_login(MonitorClient& monitor, std::uint64_t session, std::uint16_t type, Result<std::string> payload,
               OnLogin on_answer);

} // namespace posada::service
