// SPDX-License-Identifier: BSD-2-Clause
// What all connections of one net process share: the policy, the memory for messages, the queue and the lookups.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/service/net.h"
#include "smtpd/body.h"
#include "smtpd/lookup.h"
#include "smtpd/mailbox_spaces.h"
#include "smtpd/options.h"
#include "smtpd/queue_client.h"
#include "smtpd/session.h"

namespace posada::smtpd {

class Mailroom {
  public:
    // Errc::protocol when the launcher's dump is not of our schema.
    static Result<std::unique_ptr<Mailroom>> open(service::NetContext& context);

    [[nodiscard]] const Policy& policy() const { return policy_; }
    [[nodiscard]] const SmtpdOptions& options() const { return options_; }
    [[nodiscard]] MemoryBudget& memory() { return memory_; }
    [[nodiscard]] KnownSpaces& spaces() { return spaces_; }
    [[nodiscard]] LookupClient& lookups() { return lookups_; }
    // TLS 1.3 sessions offer SCRAM-SHA-256-PLUS.
    [[nodiscard]] bool channel_binding() const { return channel_binding_; }
    [[nodiscard]] bool queue_is_there() const { return queue_ != nullptr && !queue_->closed(); }
    void submit(std::uint64_t session, const Envelope& envelope, std::vector<UniqueFd> parts,
                QueueClient::OnQueued on_queued);
    // The connection is gone; a message it has handed over is queued all the same.
    void forget(std::uint64_t session);
    // A channel from the launcher: "queue" or "lookup".
    void adopt(std::string_view name, UniqueFd channel);

  private:
    Mailroom(service::NetContext& context, SmtpdOptions options);
    void read_policy(const service::NetContext& context, bool scram, bool transcript,
                     const std::vector<std::string>& domains);

    service::NetContext& context_;
    SmtpdOptions options_;
    Policy policy_;
    bool channel_binding_ = false;
    MemoryBudget memory_;
    LookupClient lookups_;
    KnownSpaces spaces_;
    std::unique_ptr<QueueClient> queue_;
};

} // namespace posada::smtpd
