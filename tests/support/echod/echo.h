// SPDX-License-Identifier: BSD-2-Clause
// echod, the smallest daemon: the recipe of HACKING.md made real, and what the tests of the service layer run on.
// ECHO answers at once; UPPER asks the monitor, the whole road of a privileged request; OPEN is given a descriptor by
// it; NAME tells it who the client is, as a process that was taken over might; CRASH dies by a signal.
// The same programs under the names echod-shared and echod-shared-net serve all clients in one process.
#pragma once

#include <string>
#include <string_view>

#include "common/priv/request.h"
#include "common/proto/table.h"
#include "common/service/client_address.h"
#include "common/service/net.h"

namespace posada::echod {

inline constexpr priv::RequestInfo requests[] = {
    {2, "upper", priv::any_phase, false, 1024, 0, 0, "returns the text in upper case"},
    {20, "open", priv::any_phase, false, 0, 0, 1, "hands over a descriptor"},
    {22, "where", priv::any_phase, false, 0, 0, 0, "both ends of the connection as the monitor knows them"},
};

inline service::NetModel model_of(std::string_view program) {
    return program.find("-shared") == program.npos ? service::NetModel::per_connection : service::NetModel::shared;
}

enum class Action : std::uint8_t { reply, ask_upper, ask_open, ask_where, name_client, start_tls, crash, close };
struct Effect {
    Action action;
    std::string text;
};

// Pure: a line in, an effect out.
struct Session {
    Effect effect{};
    void on_echo(std::string_view arg) { effect = {Action::reply, "+" + std::string(arg)}; }
    void on_upper(std::string_view arg) { effect = {Action::ask_upper, std::string(arg)}; }
    void on_open(std::string_view) { effect = {Action::ask_open, {}}; }
    void on_where(std::string_view) { effect = {Action::ask_where, {}}; }
    void on_name(std::string_view arg) { effect = {Action::name_client, std::string(arg)}; }
    void on_starttls(std::string_view) { effect = {Action::start_tls, "+go"}; }
    void on_crash(std::string_view) { effect = {Action::crash, {}}; }
    void on_quit(std::string_view) { effect = {Action::close, "+bye"}; }
    Effect line(std::string_view text, bool tls_active, bool tls_available);
};

inline constexpr proto::CommandRow<Session> commands[] = {
    {"ECHO", proto::Arg::optional, 1, 0, "ECHO [SP text]", "say it again", "", nullptr, "", &Session::on_echo},
    {"UPPER", proto::Arg::required, 1, 0, "UPPER SP text", "say it louder", "", nullptr, "", &Session::on_upper},
    {"OPEN", proto::Arg::none, 1, 0, "OPEN", "be handed a descriptor", "", nullptr, "", &Session::on_open},
    {"WHERE", proto::Arg::none, 1, 0, "WHERE", "who is connected", "", nullptr, "", &Session::on_where},
    {"NAME", proto::Arg::required, 1, proto::hidden, "NAME SP address", "lie", "", nullptr, "", &Session::on_name},
    {"STARTTLS", proto::Arg::none, 1, proto::starts_tls, "STARTTLS", "encrypt", "", nullptr, "", &Session::on_starttls},
    {"CRASH", proto::Arg::none, 1, proto::hidden, "CRASH", "abort", "", nullptr, "", &Session::on_crash},
    {"QUIT", proto::Arg::none, 1, 0, "QUIT", "end", "", nullptr, "", &Session::on_quit},
};

inline Effect Session::line(std::string_view text, bool tls_active, bool tls_available) {
    const auto walked = proto::walk<Session>(commands, text, {1, tls_active, tls_available, tls_active});
    if (walked.refusal != proto::Refusal::none) return {Action::reply, "-no"};
    (this->*walked.row->handler)(walked.arg);
    return std::move(effect);
}

} // namespace posada::echod
