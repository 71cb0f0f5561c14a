// SPDX-License-Identifier: BSD-2-Clause
// Deliver: takes leases for local mailboxes from the queue and hands each to an agent that runs as the mailbox's user.
// Runs as root inside `smtpd --queue`; reads no message. An agent is kept for a while, so that a busy mailbox costs no
// fork per batch, and killed when it takes too long: one slow disk or quota server holds up its own mail only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/auth/accounts.h"
#include "common/io/loop.h"
#include "common/priv/process.h"
#include "common/priv/sandbox.h"
#include "common/service/request_client.h"
#include "smtpd/agent.h"
#include "smtpd/queue_protocol.h"

namespace posada::smtpd {

struct DeliverConfig {
    std::string hostname;
    auth::AccountSources sources;
    bool change_user = true;
    QuotaPolicy limits;
    std::uint32_t concurrency = 20;
    std::uint32_t batch = 100;
    Millis deadline{300'000};   // of one batch
    Millis idle_after{10'000};  // an agent without work ends
    Millis renew_after{60'000}; // so does one that has not asked for so long whose mailbox this is
    priv::SandboxMode sandbox = priv::SandboxMode::enforce;
    int log_fd = -1; // borrowed; agents write their records there
};

class Deliver {
  public:
    Deliver(io::Loop& loop, priv::Reaper& reaper, DeliverConfig config);
    ~Deliver(); // agents that are still there are killed
    Deliver(const Deliver&) = delete;
    Deliver& operator=(const Deliver&) = delete;

    // queue: a channel with the role deliver. on_lost is called once when it breaks; leases are void then, agents
    // finish what they have.
    void connect(UniqueFd queue, std::function<void()> on_lost);
    // No more leases; on_idle once the batches under way are reported.
    void stop(std::function<void()> on_idle);
    [[nodiscard]] std::size_t agents() const { return agents_.size(); }

  private:
    struct Agent;
    void ask_for_work();
    void request_lease(std::uint64_t number);
    void on_lease(std::uint64_t number, Result<priv::Answered<Lease>> answer);
    void hand_over(std::uint64_t number, std::shared_ptr<const DeliverLease> work, UniqueFd body);
    Result<Agent*> agent_for(const std::string& address);
    Result<std::unique_ptr<Agent>> start_agent(const std::string& address);
    void on_answer(std::uint64_t number, const std::string& address, const Lease& lease,
                   Result<priv::Answered<LeaseReport>> answer);
    void finish(std::uint64_t number, const Lease& lease, LeaseReport report);
    void finished(std::uint64_t number);
    void kill_agent(const std::string& address);
    void dismiss(const std::string& address);
    void dismiss_idle_ones();

    io::Loop& loop_;
    priv::Reaper& reaper_;
    DeliverConfig config_;
    std::unique_ptr<service::RequestClient> queue_;
    std::map<std::string, std::unique_ptr<Agent>> agents_;
    std::uint64_t last_number_ = 0;
    std::uint64_t first_number_ = 1; // of the present channel to the queue
    priv::PreparedSandbox sandbox_;  // each agent applies its copy
    Status sandbox_ready_;
    std::size_t asked_ = 0; // leases asked for or held
    std::size_t busy_ = 0;  // of them, with an agent
    std::function<void()> on_idle_;
    bool stopping_ = false;
};

} // namespace posada::smtpd
