// SPDX-License-Identifier: BSD-2-Clause
// One SMTP connection: the only driver of Session. It feeds bytes, performs effects in their order, and brings the
// answers of lookup worker, monitor and queue back.
#pragma once

#include <functional>
#include <memory>

#include "common/service/connection.h"
#include "smtpd/body.h"
#include "smtpd/mailroom.h"
#include "smtpd/session.h"

namespace posada::smtpd {

class Conn final : public service::Connection {
  public:
    Conn(service::NetContext& context, std::unique_ptr<Mailroom>& room, service::Accepted accepted,
         std::function<void()> finished);
    ~Conn() override;
    void stop() override;

  private:
    void on_peer() override;
    void greet() override;
    void on_input() override { pump(); }
    void on_tls() override;
    void on_drained() override { pump(); }
    void on_timeout() override;
    void on_end() override;

    void say_greeting();
    void pump();
    // Of the session's, until there are none; true when STARTTLS is among them (it is the last one).
    bool perform();
    void resume();
    void arm_deadline();
    [[nodiscard]] TlsFacts tls_facts();

    void on(const SendReply& effect);
    void on(const StartTls& effect);
    void on(const CheckPassword& effect);
    void on(const proto::SaslScramFirst& effect);
    void on(const proto::SaslScramFinal& effect);
    void on(const LookupRecipient& effect);
    void on(const ReserveSpace& effect);
    void on(const BodyChunk& effect);
    void on(const SubmitMessage& effect);
    void on(const DropBody& effect);
    void on(const LogNote& effect);
    void on(const Close& effect);
    [[nodiscard]] QueueVerdict room_for(const SubmitMessage& effect);
    void ask_monitor(std::uint16_t type, Result<std::string> request,
                     std::function<void(const service::Reply&)> on_success);

    Mailroom& room_;
    Session session_;
    Body body_;
    io::Timer greeting_timer_;
    bool greeted_ = false;
    bool pumping_ = false;
    bool tls_due_ = false;
    bool replied_ = false; // since the deadline was set
    Instant data_began_{};
    bool in_data_ = false;
};

} // namespace posada::smtpd
