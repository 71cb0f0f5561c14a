// SPDX-License-Identifier: BSD-2-Clause
// The agent: runs as the user who logged in, sees that user's Maildir and nothing else, answers AgentRequests over its
// channel, one at a time, and blocks as it likes. It ends with its channel; the lock on the mailbox ends with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/priv/serve.h"
#include "common/store/mailbox.h"
#include "common/store/session_lock.h"
#include "pop3d/agent_protocol.h"

namespace posada::pop3d {

struct AgentTask {
    std::string maildir;
    Millis lock_wait{0};
    std::uint32_t max_messages = 0;
    Millis expire{0}; // how long messages are kept; 0 = for ever
};

class MailAgent {
  public:
    explicit MailAgent(AgentTask task, const store::FileOps& ops = store::system_file_ops())
        : task_(std::move(task)), ops_(ops) {}
    // Until the other end closes: 0. A breach of the table: 70.
    int serve(priv::Channel channel);

    Result<MailboxSummary> on(const OpenMailboxRequest&);
    Result<priv::Answered<MessageList>> on(const List& request);
    Result<priv::Answered<FileSizes>> on(const Fetch& request);
    Status on(const Remove& request);
    Status on(const MarkSeen& request);
    Status on(const Commit&);

  private:
    Status expire();

    AgentTask task_;
    const store::FileOps& ops_;
    std::optional<store::Maildir> maildir_;
    std::optional<store::SessionLock> lock_;
    std::optional<store::Mailbox> mailbox_;
};

} // namespace posada::pop3d
