// SPDX-License-Identifier: BSD-2-Clause
// What all connections of one net process share: the policy, the memory for messages, the queue and the lookups.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/service/net/net.h"
#include "smtpd/body.h"
#include "smtpd/lookup.h"
#include "smtpd/mailbox_spaces.h"
#include "smtpd/options.h"
#include "smtpd/queue_client.h"
#include "smtpd/session.h"

namespace posada::smtpd {

struct NetSettings {
    Policy policy;
    bool channel_binding = false; // TLS 1.3 sessions offer SCRAM-SHA-256-PLUS
    // Errc::protocol when the launcher's dump is not of our schema.
    static Result<NetSettings> read(const service::NetStart& start);
};

class Mailroom {
  public:
    // Both outlive it.
    Mailroom(service::NetContext& context, const NetSettings& settings);

    [[nodiscard]] const Policy& policy() const { return settings_.policy; }
    [[nodiscard]] const SmtpdOptions& options() const { return settings_.policy; }
    [[nodiscard]] MemoryBudget& memory() { return memory_; }
    [[nodiscard]] KnownSpaces& spaces() { return spaces_; }
    [[nodiscard]] LookupClient& lookups() { return lookups_; }
    [[nodiscard]] bool channel_binding() const { return settings_.channel_binding; }
    // then(true) at once, or when the queue is back; then(false) after queue_wait. Once at a time per session.
    void when_queue(std::uint64_t session, std::function<void(bool there)> then);
    // Waits for the queue, too.
    void submit(std::uint64_t session, const Envelope& envelope, std::vector<UniqueFd> parts,
                QueueClient::OnQueued on_queued);
    // The connection is gone; a message it has handed over is queued all the same.
    void forget(std::uint64_t session);
    // A channel from the launcher: "queue" or "lookup".
    void adopt(std::string_view name, UniqueFd channel);

  private:
    struct Waiting {
        std::uint64_t session = 0;
        Instant until;
        std::function<void(bool)> then;
    };
    [[nodiscard]] bool queue_is_there() const { return queue_ != nullptr && !queue_->closed(); }
    void answer_waiting(std::size_t count, bool there);
    void give_up_waiting();

    service::NetContext& context_;
    const NetSettings& settings_;
    MemoryBudget memory_;
    LookupClient lookups_;
    KnownSpaces spaces_;
    std::unique_ptr<QueueClient> queue_;
    std::vector<Waiting> waiting_; // for the queue; the first has waited longest
    io::Timer wait_timer_;
};

} // namespace posada::smtpd
