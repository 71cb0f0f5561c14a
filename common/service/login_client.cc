// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/login_client.h"

#include "common/base/secret.h"

namespace posada::service {

namespace {

const Error too_long{Errc::denied, 0, "longer than any right one"};

Result<LoginAnswer> login_of(Result<Reply>& reply) {
    if (!reply) return reply.error();
    auto name = decode_login_name(reply->body);
    if (!name) return name.error();
    LoginAnswer out;
    out.name = std::move(*name);
    if (!reply->fds.empty()) out.agent = std::move(reply->fds.front());
    return out;
}

Result<LoginAnswer> scram_login_of(Result<Reply>& reply) {
    if (!reply) return reply.error();
    auto login = decode_scram_login(reply->body);
    if (!login) return login.error();
    LoginAnswer out;
    out.name = std::move(login->name);
    out.server_signature = std::move(login->server_signature);
    if (!reply->fds.empty()) out.agent = std::move(reply->fds.front());
    return out;
}

} // namespace

void ask_login(MonitorClient& monitor, std::uint64_t session, std::uint16_t type, Result<std::string> payload,
               OnLogin on_answer) {
    if (!payload) return on_answer(too_long);
    monitor.request(type, session, *payload,
                    [on_answer = std::move(on_answer)](Result<Reply> reply) { on_answer(login_of(reply)); });
    wipe(*payload);
}

void ask_login(MonitorClient& monitor, std::uint64_t session, const proto::CheckPassword& check, OnLogin on_answer) {
    ask_login(monitor, session, check_password_request, encode_check_password(check.user, check.password.view()),
              std::move(on_answer));
}

void ask_login(MonitorClient& monitor, std::uint64_t session, const proto::SaslScramFinal& final, OnLogin on_answer) {
    const auto payload = encode_scram_final(final.auth_message, final.client_proof);
    if (!payload) return on_answer(too_long);
    monitor.request(scram_final_request, session, *payload,
                    [on_answer = std::move(on_answer)](Result<Reply> reply) { on_answer(scram_login_of(reply)); });
}

void ask_scram(MonitorClient& monitor, std::uint64_t session, const proto::SaslScramFirst& first,
               OnServerFirst on_answer) {
    const auto payload = encode_scram_first(first.user, first.client_first_bare, first.gs2_header, first.mechanism);
    if (!payload) return on_answer(too_long);
    monitor.request(scram_first_request, session, *payload, [on_answer = std::move(on_answer)](Result<Reply> reply) {
        on_answer(reply ? decode_server_first(reply->body) : Result<std::string>(reply.error()));
    });
}

} // namespace posada::service
