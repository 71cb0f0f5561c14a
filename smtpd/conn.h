// SPDX-License-Identifier: BSD-2-Clause
// One SMTP connection: the only driver of Session. It feeds bytes, performs effects in their order, and brings the
// answers of lookup worker, monitor and queue back.
#pragma once

#include <functional>
#include <memory>

#include "common/service/net/session_driver.h"
#include "smtpd/body.h"
#include "smtpd/mailroom.h"
#include "smtpd/session.h"

namespace posada::smtpd {

class Conn final : public service::SessionDriver<Session> {
  public:
    Conn(service::NetContext& context, std::unique_ptr<Mailroom>& room, service::Accepted accepted,
         std::function<void()> finished);
    ~Conn() override;

  private:
    void on_peer() override;
    void greet() override;
    void on_tls() override;
    void on_end() override;
    void perform(const Effect& effect) override;
    [[nodiscard]] std::optional<Millis> patience() override;
    [[nodiscard]] bool may_consume() override { return greeted_ && !session().waiting(); }
    void settled() override;

    void say_greeting();
    [[nodiscard]] TlsFacts tls_facts();

    using SessionDriver::act;
    void act(const LookupRecipient& effect);
    void act(const ReserveSpace& effect);
    void act(const BodyChunk& effect);
    void act(const SubmitMessage& effect);
    void act(const DropBody& effect);
    [[nodiscard]] QueueVerdict room_for(const SubmitMessage& effect);

    Mailroom& room_;
    Body body_;
    io::Timer greeting_timer_;
    bool greeted_ = false;
    Instant data_began_{};
    bool in_data_ = false;
};

} // namespace posada::smtpd
