// SPDX-License-Identifier: BSD-2-Clause
// The net side of login_protocol.h: what a session wants checked becomes a request, the answer what the session is
// told. on_answer may be called at once.
#pragma once

#include <functional>
#include <string>

#include "common/base/fd.h"
#include "common/proto/sasl.h"
#include "common/service/login_protocol.h"
#include "common/service/request_client.h"

namespace posada::service {

struct LoginAnswer {
    std::string name;             // of the account
    std::string server_signature; // SCRAM
    UniqueFd agent;               // the channel to the user's agent, where the daemon has agents
};
// An error is for login_refusal().
using OnLogin = std::function<void(Result<LoginAnswer>)>;
using OnServerFirst = std::function<void(Result<std::string>)>;

void ask_login(RequestClient& monitor, std::uint64_t session, const proto::CheckPassword& check, OnLogin on_answer);
void ask_login(RequestClient& monitor, std::uint64_t session, const proto::SaslScramFinal& final, OnLogin on_answer);
void ask_scram(RequestClient& monitor, std::uint64_t session, const proto::SaslScramFirst& first,
               OnServerFirst on_answer);
// Any request that is answered with LoggedIn.
Result<LoginAnswer> to_login(Result<priv::Answered<LoggedIn>> answer);
template <class R>
void ask_login(RequestClient& monitor, std::uint64_t session, const R& request, OnLogin on_answer) {
    monitor.ask(session, request,
                [on_answer = std::move(on_answer)](auto answer) { on_answer(to_login(std::move(answer))); });
}

} // namespace posada::service
