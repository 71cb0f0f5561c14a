// SPDX-License-Identifier: BSD-2-Clause
// Conn's way into the mailbox: the agent, whose channel came with the login, opens it and lists it.
#include "common/base/heap.h"
#include "pop3d/conn.h"
#include "pop3d/requests.h"

namespace posada::pop3d {

void Conn::act(const CheckApop& check) {
    ask_login(monitor(), accepted().id, ApopDigest{check.user, check.digest}, on_login());
}

void Conn::act(const OpenMailbox&) {
    set_deadline(settings_.policy.idle_timeout); // reading a mailbox for the first time may take its time
    agent_ = std::make_unique<service::RequestClient>(
        context().loop, std::move(agent_channel_), fetch_batch, [this] { agent_lost(); },
        settings_.policy.agent_timeout);
    ask_agent(OpenMailboxRequest{}, [this](const auto& answer) {
        if (!answer) return refuse_mailbox(answer.error());
        summary_ = answer->body;
        ahead_ = ReadAhead(summary_.messages);
        maildrop_ = Maildrop(summary_.uidvalidity);
        load_list(0);
    });
}

void Conn::load_list(std::uint32_t first) {
    if (first == summary_.messages) {
        session().mailbox_opened(std::move(maildrop_), summary_.hidden);
        context().loop.defer(give_back_heap); // what the lists took
        return run();
    }
    ask_agent(List{first}, [this](const auto& answer) {
        if (!answer) return refuse_mailbox(answer.error());
        const std::vector<ListedMessage>& batch = answer->body.messages;
        if (batch.empty() || batch.size() > summary_.messages - maildrop_.size())
            return refuse_mailbox(Error{Errc::protocol, 0, "a list that does not fit its mailbox"});
        for (const ListedMessage& message : batch) maildrop_.add(message.octets, message.uid, message.uidl);
        load_list(maildrop_.size());
    });
}

void Conn::refuse_mailbox(const Error& error) {
    if (session().closed()) return;
    const bool permanent = error.code == Errc::invalid || error.code == Errc::denied;
    session().mailbox_refused(error.code == Errc::in_use ? MailboxRefusal::in_use
                              : permanent                ? MailboxRefusal::permanent
                                                         : MailboxRefusal::temporary);
    run();
}

void Conn::agent_lost() {
    if (session().closed()) return;
    log(event::mailbox_error, {{"request", "session"},
                               {"error", "the user's agent has ended or does not answer"},
                               {"session", std::to_string(accepted().id)}});
    session().mailbox_lost();
    run();
}

} // namespace posada::pop3d
