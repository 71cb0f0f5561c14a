// SPDX-License-Identifier: BSD-2-Clause
// The login requests of a net process to its monitor: rows, limits, payloads. Daemons put LoginRequests into their
// table. A refusal is a failure with one of
//     denied       wrong credentials: -ERR [AUTH], 535 5.7.8.
//     last_try     the same, and no further attempt will be looked at: close the connection after the reply.
//     too_soon     right, but not now: before the login delay is over, [LOGIN-DELAY]; too many of the class, 530.
//     unavailable, timeout, limit, busy
//                  not decided: -ERR [SYS/TEMP], 454 4.7.0.
//     invalid      scram_first only: the message is malformed: -ERR, 501 5.5.2.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/priv/request_list.h"
#include "common/proto/login.h"

namespace posada::service {

constexpr priv::Phase before_login = priv::first_phase;
constexpr priv::Phase after_login = priv::second_phase;

// Of the error that a login request was answered with.
proto::LoginRefusal login_refusal(const Error& error);

// A success; the descriptor, where the daemon has agents, is the channel to the user's.
struct LoggedIn {
    std::string name;             // of the account
    std::string server_signature; // SCRAM
    FIELDS(name, server_signature)
};

// The net process refuses what is larger than a row permits itself, as wrong credentials.
struct CheckPassword {
    std::string user;
    Secret password;
    FIELDS(user, password)
    using Answer = LoggedIn;
    static constexpr priv::RequestInfo row{
        .type = 2,
        .name = "check_password",
        .phases = before_login,
        .max_bytes = 1200,
        .fds_out = 1,
        .then = after_login,
        .meaning = "Checks a name and a password in a worker process; a success may carry the user's agent."};
};

struct ServerFirst {
    std::string message;
    FIELDS(message)
};
struct ScramFirst {
    std::string user;
    std::string client_first_bare;
    std::string gs2_header;
    bool plus = false; // SCRAM-SHA-256-PLUS
    FIELDS(user, client_first_bare, gs2_header, plus)
    using Answer = ServerFirst;
    static constexpr priv::RequestInfo row{
        .type = 4,
        .name = "scram_first",
        .phases = before_login,
        .max_bytes = 1400,
        .meaning = "Starts a SCRAM-SHA-256 exchange: nonce, salt and iterations, for any name."};
};
struct ScramFinal {
    std::string auth_message;
    std::string client_proof;
    FIELDS(auth_message, client_proof)
    using Answer = LoggedIn;
    static constexpr priv::RequestInfo row{.type = 6,
                                           .name = "scram_final",
                                           .phases = before_login,
                                           .max_bytes = 3100,
                                           .fds_out = 1,
                                           .then = after_login,
                                           .meaning =
                                               "Ends a SCRAM-SHA-256 exchange: checks the proof in a worker process."};
};

using LoginRequests = priv::Requests<CheckPassword, ScramFirst, ScramFinal>;

} // namespace posada::service
