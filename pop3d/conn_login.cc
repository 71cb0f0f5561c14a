// SPDX-License-Identifier: BSD-2-Clause
// Conn's way into the mailbox: the monitor checks a login and sends the agent's channel, the agent opens the mailbox
// and lists it.
#include "common/base/heap.h"
#include "common/service/login_protocol.h"
#include "pop3d/conn.h"

namespace posada::pop3d {

// A payload that cannot be made is too long, which no right name and password are.
void Conn::ask_monitor(std::uint16_t type, const Result<std::string>& payload, OnAnswer on_answer) {
    if (!payload) return session_.login_refused(LoginRefusal::denied);
    monitor().request(type, accepted().id, *payload,
                      [this, on_answer = std::move(on_answer)](Result<service::Reply> reply) {
                          if (!session_.closed())
                              on_answer(std::move(reply)); // else nobody waits: the agent ends with its channel
                      });
}

void Conn::refuse_login(const Error& error) {
    session_.login_refused(service::login_refusal(error));
    run();
}

void Conn::act(const CheckPassword& check) {
    auto payload = service::encode_check_password(check.user, check.password.view());
    ask_for_login(service::check_password_request, payload);
    if (payload) wipe(*payload);
}

void Conn::act(const CheckApop& check) {
    ask_for_login(service::check_apop_request, service::encode_check_apop(check.user, check.digest));
}

void Conn::ask_for_login(std::uint16_t type, const Result<std::string>& payload) {
    ask_monitor(type, payload, [this](Result<service::Reply> reply) {
        if (!reply) return refuse_login(reply.error());
        const auto name = service::decode_login_name(reply->body);
        if (!name) return refuse_login(name.error());
        take_agent(*reply);
        session_.login_accepted(*name);
        run();
    });
}

void Conn::act(const proto::SaslScramFirst& first) {
    const auto payload =
        service::encode_scram_first(first.user, first.client_first_bare, first.gs2_header, first.mechanism);
    ask_monitor(service::scram_first_request, payload, [this](Result<service::Reply> reply) {
        if (!reply) return refuse_login(reply.error());
        const auto server_first = service::decode_server_first(reply->body);
        if (!server_first) return refuse_login(server_first.error());
        session_.scram_started(*server_first);
        run();
    });
}

void Conn::act(const proto::SaslScramFinal& final) {
    const auto payload = service::encode_scram_final(final.auth_message, final.client_proof);
    ask_monitor(service::scram_final_request, payload, [this](Result<service::Reply> reply) {
        if (!reply) return refuse_login(reply.error());
        const auto login = service::decode_scram_login(reply->body);
        if (!login) return refuse_login(login.error());
        take_agent(*reply);
        session_.scram_accepted(login->server_signature, login->name);
        run();
    });
}

void Conn::take_agent(service::Reply& reply) {
    if (!reply.fds.empty()) agent_channel_ = std::move(reply.fds.front());
}

void Conn::act(const OpenMailbox&) {
    stream().set_deadline(settings_.options.idle_timeout); // reading a mailbox for the first time may take its time
    agent_ = std::make_unique<service::MonitorClient>(context().loop, std::move(agent_channel_), fetch_batch,
                                                      [this] { agent_lost(); });
    ask_agent(open_mailbox_request, {}, [this](Result<service::Reply> reply) {
        if (!reply) return refuse_mailbox(reply.error());
        const auto summary = decode_mailbox_summary(reply->body);
        if (!summary) return refuse_mailbox(summary.error());
        summary_ = *summary;
        ahead_ = ReadAhead(summary->messages);
        maildrop_ = Maildrop(summary->uidvalidity);
        load_list(0);
    });
}

void Conn::load_list(std::uint32_t first) {
    if (first == summary_.messages) {
        session_.mailbox_opened(std::move(maildrop_), summary_.hidden);
        context().loop.defer(give_back_heap); // what the lists took
        return run();
    }
    ask_agent(list_request, encode_number(first), [this](Result<service::Reply> reply) {
        if (!reply) return refuse_mailbox(reply.error());
        const auto batch = decode_list_batch(reply->body);
        if (!batch) return refuse_mailbox(batch.error());
        if (batch->empty() || batch->size() > summary_.messages - maildrop_.size())
            return refuse_mailbox(Error{Errc::protocol, 0, "a list that does not fit its mailbox"});
        for (const ListedMessage& message : *batch) maildrop_.add(message.octets, message.uid, message.uidl);
        load_list(maildrop_.size());
    });
}

void Conn::refuse_mailbox(const Error& error) {
    if (session_.closed()) return;
    const bool in_use = error.code == Errc::busy && error.text == "in-use";
    const bool permanent = error.code == Errc::invalid || error.code == Errc::denied;
    session_.mailbox_refused(in_use      ? MailboxRefusal::in_use
                             : permanent ? MailboxRefusal::permanent
                                         : MailboxRefusal::temporary);
    run();
}

void Conn::agent_lost() {
    if (session_.closed()) return;
    session_.mailbox_lost();
    run();
}

void Conn::ask_agent(std::uint16_t type, std::string_view payload, OnAnswer on_answer) {
    agent_->request(type, accepted().id, payload, std::move(on_answer));
}

} // namespace posada::pop3d
