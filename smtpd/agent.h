// SPDX-License-Identifier: BSD-2-Clause
// The delivery agent: a process forked by deliver for one address. It finds out whose mailbox that is, becomes that
// user, confines itself to the Maildir, and then writes what it is handed.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/auth/accounts.h"
#include "common/base/fd.h"
#include "common/priv/request_list.h"
#include "common/priv/sandbox.h"
#include "smtpd/mailbox_writer.h"
#include "smtpd/queue_protocol.h"

namespace posada::smtpd {

// Of deliver to its agent. A failure: why the mailbox cannot be used at all.
struct DeliverLease {
    Lease lease; // and the descriptor of the octets
    FIELDS(lease)
    using Answer = LeaseReport;
    static constexpr priv::RequestInfo row{
        .type = 2,
        .name = "agent_deliver",
        .max_bytes = priv::max_payload,
        .fds_in = 1,
        .meaning = "Messages for this mailbox; answered when each is on stable storage or has failed."};
};
using AgentRequests = priv::Requests<DeliverLease>;

struct AgentSetup {
    std::string address; // of the recipient; the account is derived from it here and nowhere else
    std::string hostname;
    auth::AccountSources sources;
    bool change_user = true; // false: unprivileged mode
    QuotaPolicy limits;      // where the account has none of its own
};

// The name of the account that an address belongs to; Errc::not_found if no account can have it.
Result<std::string> account_name_of(std::string_view address);

// The child's whole life; its exit code. sandbox: prepared for agent_files.
int agent_process(const AgentSetup& setup, UniqueFd channel, int log_fd, priv::PreparedSandbox& sandbox);

} // namespace posada::smtpd
