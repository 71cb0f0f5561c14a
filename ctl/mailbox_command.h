// SPDX-License-Identifier: BSD-2-Clause
// `posada mailbox import|list|check`: mailboxes from the command line. Whoever calls it, mail is read and written by a
// process that is the mailbox's user, and parsed in a sandbox that sees this mailbox only.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/exit_code.h"
#include "common/base/result.h"
#include "common/priv/sandbox.h"
#include "common/store/import.h"
#include "common/store/mbox.h"
#include "ctl/json.h"

namespace posada::ctl {

struct MailboxTask {
    std::string verb;
    std::string user;
    std::string config;
    std::string maildir; // --maildir, then that of the account
    std::string folder;  // UTF-8; "" = INBOX for import, all for list and check
    std::string source;  // import: an mbox, "-", or a Maildir
    std::string hostname;
    bool json = false;
    bool keep_uidl = false;
    bool keep_keywords = false;
    store::MboxQuoting quoting = store::MboxQuoting::mboxrd;
    priv::SandboxMode sandbox = priv::SandboxMode::enforce;
};

// args: what follows "mailbox". Exit status: 0, 1 refused or findings, 64 usage, 71 system, 75 again, 78 configuration.
int mailbox_command(std::span<const std::string_view> args);

// As the user, not confined yet. Exit status.
int import_mail(const MailboxTask& task);
int list_mailbox(const MailboxTask& task);
int check_mailbox(const MailboxTask& task);

// For these three: to standard error; the exit status for it.
int mailbox_failure(const MailboxTask& task, const Error& error);
// The same for a child that did the work: its own exit status, unless a signal ended it.
int mailbox_child_status(const MailboxTask& task, int wait_status);
// From here on the process reaches these directories only: mailbox to read and write, source (-1 = none) to read.
Status confine_to(const MailboxTask& task, int mailbox, int source, bool writes);

} // namespace posada::ctl
