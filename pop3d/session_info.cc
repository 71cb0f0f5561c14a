// SPDX-License-Identifier: BSD-2-Clause
// CAPA and HELP: both only read the command table.
#include "common/proto/reply.h"
#include "pop3d/session.h"

namespace posada::pop3d {

// A command of the login phase is announced while it would be accepted, the others always (RFC 2449 §5: the list may
// change with the state, and clients read it in both).
bool Session::announces(const proto::CommandRow<Session>& row) const {
    if (row.capability.empty()) return false;
    if (row.states != state_authorization) return true;
    const proto::Refusal refusal = proto::check_command(row, "", walk_context());
    return refusal == proto::Refusal::none || refusal == proto::Refusal::argument_missing;
}

void Session::on_capa(std::string_view) {
    std::string out = proto::ok_reply("capabilities follow");
    for (const auto& row : commands()) {
        if (!announces(row)) continue;
        out.append(row.capability);
        if (row.capability_value != nullptr) out.append(" ").append(row.capability_value(*this));
        out.append("\r\n");
    }
    for (const std::string_view word : general_capabilities()) out.append(word).append("\r\n");
    if (logged_in()) out.append("IMPLEMENTATION posada\r\n");
    send(std::move(out.append(".\r\n")));
}

void Session::on_help(std::string_view arg) {
    const std::string_view verb = trim(arg);
    if (!verb.empty()) {
        const auto* row = proto::find_command(commands(), verb);
        if (row == nullptr) return error("no such command");
        return ok(std::string(row->syntax) + ": " + std::string(row->help));
    }
    std::string out = proto::ok_reply("commands follow");
    for (const auto& row : commands()) {
        if ((row.flags & proto::hidden) != 0) continue;
        out.append(row.syntax).append(": ").append(row.help).append("\r\n");
    }
    send(std::move(out.append(".\r\n")));
}

} // namespace posada::pop3d
