// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/agent.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/priv/channel.h"
#include "common/priv/drop.h"
#include "common/priv/process.h"
#include "common/priv/serve.h"
#include "common/service/log_transport.h"
#include "common/service/login/account_apart.h"
#include "smtpd/mailbox_writer.h"

namespace posada::smtpd {

namespace {

Status become(const AgentSetup& setup, const auth::Account& account) {
    if (setup.change_user) return priv::become_user(account.uid, account.gid, {});
    return priv::become_user(::geteuid(), ::getegid(), {});
}

struct OpenMailbox {
    store::Maildir maildir;
    QuotaPolicy limits;
};

Result<OpenMailbox> open_mailbox(const AgentSetup& setup, int channel, int log_fd, priv::PreparedSandbox& sandbox) {
    const auto name = account_name_of(setup.address);
    if (!name) return name.error();
    const auto account = service::find_account_apart(*name, setup.sources);
    if (!account) return account.error();
    RETURN_IF_ERROR(become(setup, *account));
    priv::set_process_title("smtpd: " + account->name + " [delivery]");
    RETURN_IF_ERROR(priv::null_standard_input_output());
    ::umask(077);
    auto maildir = store::Maildir::open_or_create(account->maildir());
    // The home directory is missing: not for ever, says experience (a file system that is not mounted).
    if (!maildir && maildir.error().code == Errc::not_found)
        return Error{Errc::unavailable, 0, maildir.error().describe()};
    if (!maildir) return maildir.error();
    const priv::LandlockRule tree{maildir->root(), priv::LandlockAccess::read_write};
    RETURN_IF_ERROR(sandbox.apply({&tree, 1}));
    const int keep[] = {channel,
                        log_fd,
                        maildir->root(),
                        maildir->folder(store::Folder::tmp),
                        maildir->folder(store::Folder::fresh),
                        maildir->folder(store::Folder::cur)};
    close_all_except(keep);
    QuotaPolicy limits = setup.limits;
    limits.quota.octets = account->quota.value_or(limits.quota.octets);
    limits.quota.messages = account->quota_messages.value_or(limits.quota.messages);
    return OpenMailbox{std::move(*maildir), limits};
}

// Files that deliveries left when they were killed. Nothing depends on it.
void remove_leavings(const store::Maildir& maildir, const Clock& clock) {
    if (const auto removed = maildir.remove_stale_temp(clock.unix_now()); !removed)
        log(event::mailbox_error, {{"request", "remove stale files"}, {"error", removed.error().describe()}});
}

// One request after the other until deliver closes the channel.
struct Agent {
    MailboxWriter& writer;
    Result<LeaseReport> on(const DeliverLease& request, const priv::Message& message) {
        LeaseReport report{writer.deliver(request.lease, message.fds[0].get()), writer.space()};
        tame(report);
        return report;
    }
};
struct RefusingAgent {
    Error error;
    Result<LeaseReport> on(const DeliverLease&) { return error; }
};

} // namespace

Result<std::string> account_name_of(std::string_view address) {
    const std::string_view local = address.substr(0, address.rfind('@'));
    if (local.empty() || local.front() == '"' || has_control(local))
        return Error{Errc::not_found, 0, "no such account"};
    return std::string(local);
}

int agent_process(const AgentSetup& setup, UniqueFd channel_fd, int log_fd, priv::PreparedSandbox& sandbox) {
    service::RecordSink sink(log_fd);
    set_log_sink(&sink);
    priv::Channel channel(std::move(channel_fd));
    auto mailbox = open_mailbox(setup, channel.fd(), log_fd, sandbox);
    if (!mailbox) {
        RefusingAgent agent{mailbox.error()};
        return priv::agent_status(priv::serve_requests<AgentRequests>(channel, agent));
    }
    const SystemClock clock;
    remove_leavings(mailbox->maildir, clock);
    MailboxWriter writer(std::move(mailbox->maildir), setup.hostname, clock, mailbox->limits);
    Agent agent{writer};
    return priv::agent_status(priv::serve_requests<AgentRequests>(channel, agent));
}

} // namespace posada::smtpd
