// SPDX-License-Identifier: BSD-2-Clause
// Prints the tables of SECURITY.md from the tables the programs enforce. tests/priv/run.sh compares the two.
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/priv/request.h"
#include "common/priv/sandbox.h"
#include "common/priv/seccomp_rules.h"
#include "common/service/connection_requests.h"
#include "common/service/net_protocol.h"
#include "ftpd/agent_protocol.h"
#include "ftpd/requests.h"
#include "pop3d/agent_protocol.h"
#include "pop3d/requests.h"
#include "smtpd/agent.h"
#include "smtpd/lookup.h"
#include "smtpd/queue_protocol.h"

namespace posada {
namespace {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

// What the first and the second phase are called.
struct PhaseWords {
    std::string_view first = "before login";
    std::string_view second = "after login";
};

std::string phase_words(priv::PhaseSet phases, const PhaseWords& words) {
    if (phases == priv::any_phase) return "any time";
    return std::string(phases == priv::first_phase ? words.first : words.second);
}

std::string octets(std::uint32_t count) { return count == 0 ? "none" : std::to_string(count); }

void print_requests(std::string_view heading, std::span<const priv::RequestInfo> table, const PhaseWords& words = {}) {
    print("\n**" + std::string(heading) + "**\n\n");
    print("| request | when | octets at most | descriptors with it | with the answer | meaning "
          "|\n|---|---|---|---|---|---|\n");
    for (const priv::RequestInfo& row : table) {
        print("| `" + std::string(row.name) + "` | " + phase_words(row.phases, words) + (row.once ? ", once" : "") +
              " | " + octets(row.max_bytes) + " | " + octets(row.fds_in) + " | " + octets(row.fds_out) + " | " +
              std::string(row.meaning) + " |\n");
    }
}

bool conditional(const priv::CallRow& row) { return row.args[0].op != priv::ArgRule::Op::none; }

constexpr priv::ProfileSet signer = priv::in_profile(priv::SandboxProfile::signer);
constexpr auto every_other = static_cast<priv::ProfileSet>(((1U << priv::sandbox_profile_count) - 1) ^ signer);

bool common(const priv::CallRow& row) { return (row.profiles & every_other) == every_other; }

// A call is marked when it is permitted only with certain arguments.
template <class Predicate>
std::string calls_where(Predicate wanted) {
    std::map<std::string_view, bool> calls; // name, conditional
    std::vector<std::string_view> order;
    for (const priv::CallRow& row : priv::allowed_calls()) {
        if (!wanted(row)) continue;
        const auto [call, is_new] = calls.try_emplace(row.call, conditional(row));
        if (is_new) order.push_back(row.call);
        call->second = call->second && conditional(row);
    }
    std::string out;
    for (const std::string_view call : order)
        out += (out.empty() ? "" : " ") + std::string(call) + (calls[call] ? "*" : "");
    return out;
}

std::string calls_of(priv::SandboxProfile profile) {
    const priv::ProfileSet set = priv::in_profile(profile);
    return calls_where(
        [set](const priv::CallRow& row) { return (row.profiles & set) != 0 && (set == signer || !common(row)); });
}

void print_profiles() {
    print("\n**Sandbox profiles** (a star: only with certain arguments; `tgkill`, `tkill` and `kill` reach the process "
          "itself, "
          "or, from a zygote, its children)\n\n| profile | in words | system calls beside those below "
          "|\n|---|---|---|\n");
    for (unsigned i = 0; i < priv::sandbox_profile_count; ++i) {
        const auto profile = static_cast<priv::SandboxProfile>(i);
        print("| `" + std::string(priv::sandbox_profile_name(profile)) + "` | " +
              std::string(priv::sandbox_profile_meaning(profile)) + " | " + calls_of(profile) + " |\n");
    }
    print("\nEvery profile but `signer`, whose list is complete: " + calls_where(&common) + ".\n");
    print("\nThe kernel kills the process that calls one of:");
    for (const char* call : priv::fatal_calls()) print(" " + std::string(call));
    print(".\nAny other call fails and is named in a `sandbox-violation` record.\n");
}

void print_all() {
    print_requests("A net process asks the monitor: every daemon, and all that port 25 may ask",
                   service::ConnectionRequests::rows);
    print_requests("A shared net program tells its launcher", service::shared_reports);
    print_requests("A zygote tells its launcher", service::zygote_reports);
    print_requests("A net process asks the monitor: password checks (pop3d; smtpd submission has no check_apop)",
                   pop3d::MonitorRequests::rows);
    print_requests("A POP3 connection asks the agent of the user who logged in", pop3d::AgentRequests::rows,
                   {"before open_mailbox", "after open_mailbox"});
    print_requests("A net process asks the monitor: ftpd, beside the passwords above", ftpd::OwnRequests::rows);
    print_requests("An FTP connection asks the agent of the user who logged in", ftpd::AgentRequests::rows);
    print_requests("smtpd asks the lookup worker", smtpd::LookupRequests::rows);
    for (const auto role :
         {smtpd::QueueRole::receive, smtpd::QueueRole::deliver, smtpd::QueueRole::relay, smtpd::QueueRole::control})
        print_requests("The queue is asked, role " + std::string(smtpd::queue_role_name(role)),
                       smtpd::queue_requests(role));
    print_requests("Deliver asks the agent of a recipient", smtpd::AgentRequests::rows);
    print_profiles();
}

} // namespace
} // namespace posada

int main() { posada::print_all(); }
