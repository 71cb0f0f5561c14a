// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/net/login_client.h"

namespace posada::service {

Result<LoginAnswer> to_login(Result<priv::Answered<LoggedIn>> answer) {
    if (!answer) return answer.error();
    LoginAnswer out{std::move(answer->body.name), std::move(answer->body.server_signature), {}};
    if (!answer->fds.empty()) out.agent = std::move(answer->fds.front());
    return out;
}

void ask_login(RequestClient& monitor, std::uint64_t session, const proto::CheckPassword& check, OnLogin on_answer) {
    ask_login(monitor, session, CheckPassword{check.user, Secret(check.password.view())}, std::move(on_answer));
}

void ask_login(RequestClient& monitor, std::uint64_t session, const proto::SaslScramFinal& final, OnLogin on_answer) {
    ask_login(monitor, session, ScramFinal{final.auth_message, final.client_proof}, std::move(on_answer));
}

void ask_scram(RequestClient& monitor, std::uint64_t session, const proto::SaslScramFirst& first,
               OnServerFirst on_answer) {
    const ScramFirst request{first.user, first.client_first_bare, first.gs2_header,
                             first.mechanism == "SCRAM-SHA-256-PLUS"};
    monitor.ask(session, request, [on_answer = std::move(on_answer)](Result<priv::Answered<ServerFirst>> answer) {
        on_answer(answer ? Result<std::string>(std::move(answer->body.message)) : answer.error());
    });
}

} // namespace posada::service
