// SPDX-License-Identifier: BSD-2-Clause
// Conn: the only driver of a Session. It carries out effects (writes, TLS, questions to monitor and agent, messages
// from a descriptor to the socket) and feeds the session with bytes, answers and time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/service/net/session_driver.h"
#include "pop3d/agent_protocol.h"
#include "pop3d/message_writer.h"
#include "pop3d/read_ahead.h"
#include "pop3d/session.h"

namespace posada::pop3d {

struct NetSettings {
    Policy policy;
    bool channel_binding = false; // TLS 1.3 sessions offer SCRAM-SHA-256-PLUS
    static Result<NetSettings> read(const service::NetStart& start);
};

class Conn final : public service::SessionDriver<Session> {
  public:
    // settings outlive the connection.
    Conn(service::NetContext& context, const NetSettings& settings, service::Accepted accepted,
         std::function<void()> finished);

  private:
    void on_peer() override;
    void greet() override;
    void on_tls() override;
    [[nodiscard]] std::string binding(); // what -PLUS binds to; empty = not offered
    void on_drained() override;
    void on_end() override { agent_.reset(); }
    void perform(const Effect& effect) override;
    [[nodiscard]] std::optional<Millis> patience() override;
    bool write_more() override;
    void take_agent(UniqueFd channel) override { agent_channel_ = std::move(channel); }

    using SessionDriver::act;
    void act(const Close& effect);
    // conn_login.cc: the agent's mailbox
    void act(const CheckApop& check);
    void act(const OpenMailbox&);
    void load_list(std::uint32_t first);
    void refuse_mailbox(const Error& error);
    void agent_lost();
    // conn_mail.cc: messages and deletions
    void act(const OpenMessage& open);
    void open_wanted();
    void fetch(const Fetch& range);
    void act(const SendMessage& send);
    void act(const RemoveMessages& remove);
    void remove_from(std::size_t first);
    void mark_seen_from(std::size_t first);
    void commit();
    void send_more();
    Result<std::string_view> next_piece();
    void end_transfer();
    template <class R, class OnAnswer>
    void ask_agent(const R& request, OnAnswer on_answer) {
        agent_->ask(accepted().id, request, std::move(on_answer));
    }

    const NetSettings& settings_;
    UniqueFd agent_channel_; // came with the login; the mailbox is opened through it
    std::unique_ptr<service::RequestClient> agent_;
    MailboxSummary summary_;
    Maildrop maildrop_; // being loaded

    struct Transfer {
        OpenedMessage message;
        std::uint64_t offset = 0;
        MessageWriter writer;
    };
    ReadAhead ahead_;
    OpenedMessage opened_; // what the session waits to send
    std::optional<Transfer> transfer_;
    std::vector<std::uint32_t> removing_; // numbers of the agent
    std::vector<std::uint32_t> seen_;     // likewise
};

} // namespace posada::pop3d
