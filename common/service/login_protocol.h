// SPDX-License-Identifier: BSD-2-Clause
// The login requests of a net process to its monitor: rows, limits, payloads. Daemons put login_requests into their
// table. A refusal is a failure with one of
//     denied       wrong credentials: -ERR [AUTH], 535 5.7.8. Text last_attempt = no further attempt will be looked at:
//                  close the connection after the reply.
//     unavailable, timeout, limit, busy
//                  not decided: -ERR [SYS/TEMP], 454 4.7.0 (busy with the text "in-use" from a POP3 agent: [IN-USE]).
//     busy         with the text login_too_soon: right, but before the login delay is over: [LOGIN-DELAY].
//     invalid      scram_first only: the message is malformed: -ERR, 501 5.5.2.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/priv/request.h"
#include "common/proto/login.h"

namespace posada::service {

// Below priv::first_daemon_request.
constexpr std::uint16_t check_password_request = 2;
constexpr std::uint16_t scram_first_request = 4;
constexpr std::uint16_t scram_final_request = 6;
constexpr std::uint16_t check_apop_request = 8;

// The net process refuses longer ones itself as wrong credentials: a request above its row's size is a breach.
constexpr std::size_t max_login_name = 255;
constexpr std::size_t max_login_password = 900;
constexpr std::size_t max_scram_first_bare = 700;
constexpr std::size_t max_scram_gs2 = 300;
constexpr std::size_t max_scram_auth_message = 3'000;

inline constexpr std::string_view last_attempt = "last attempt";
inline constexpr std::string_view login_too_soon = "too soon";

// Of the error that a login request was answered with.
proto::LoginRefusal login_refusal(const Error& error);

constexpr std::array<priv::RequestInfo, 3> login_requests{{
    {check_password_request, "check_password", priv::before_login, false, 1200, 0, 1,
     "Checks a name and a password in a worker process; a success may carry the user's agent."},
    {scram_first_request, "scram_first", priv::before_login, false, 1400, 0, 0,
     "Starts a SCRAM-SHA-256 exchange: nonce, salt and iterations, for any name."},
    {scram_final_request, "scram_final", priv::before_login, false, 3100, 0, 1,
     "Ends a SCRAM-SHA-256 exchange: checks the proof in a worker process."},
}};

// Of pop3d: the digest of RFC 1939 §7 over the challenge that the monitor itself gave to this connection.
constexpr priv::RequestInfo apop_row{check_apop_request,
                                     "check_apop",
                                     priv::before_login,
                                     false,
                                     300,
                                     0,
                                     1,
                                     "Checks an APOP digest over the monitor's own challenge in a worker process."};

// Errc::limit: too long to be sent; answer the client as for wrong credentials.
Result<std::string> encode_check_password(std::string_view user, std::string_view password);
// digest: 32 hexadecimal digits, else Errc::limit.
Result<std::string> encode_check_apop(std::string_view user, std::string_view digest);
Result<std::string> encode_scram_first(std::string_view user, std::string_view client_first_bare,
                                       std::string_view gs2_header, std::string_view mechanism);
// client_proof: 32 bytes, else Errc::limit.
Result<std::string> encode_scram_final(std::string_view auth_message, std::string_view client_proof);

// Of the answers' bodies.
Result<std::string> decode_login_name(std::string_view body); // check_password, check_apop
Result<std::string> decode_server_first(std::string_view body);
struct ScramLogin {
    std::string server_signature;
    std::string name;
};
Result<ScramLogin> decode_scram_login(std::string_view body);

} // namespace posada::service
