// SPDX-License-Identifier: BSD-2-Clause
// `posada queue list|stats|retry|remove`: what waits for delivery, asked of the running queue over its socket. The
// socket is the queue's own: root may use it, or whoever runs the services without root.
#include <cstdio>

#include "common/base/text.h"
#include "ctl/command.h"
#include "ctl/control_client.h"
#include "ctl/json.h"
#include "smtpd/queue_open.h"

namespace posada::ctl {

namespace {

constexpr std::string_view usage =
    "usage: posada queue list | stats | retry [ID] | remove ID  [--json] [--config FILE]";
constexpr std::uint16_t most_entries = 40;

int complain(const Error& error) {
    std::fprintf(stderr, "posada queue: %s\n", error.describe().c_str());
    return exit_failed;
}

std::string shown(std::string_view address) { return address.empty() ? "<>" : escape_for_log(address); }

void print_entry(const smtpd::QueueEntry& entry, UnixTime now) {
    const std::string next = entry.next_attempt <= now ? "now" : "in " + age(entry.next_attempt - now);
    std::printf("%s  %s old, %llu octets, %u tries, next %s: %s -> %s\n", entry.queue_id.c_str(),
                age(now - entry.received).c_str(), static_cast<unsigned long long>(entry.size), entry.attempts,
                next.c_str(), shown(entry.sender).c_str(), shown(entry.address).c_str());
    if (!entry.last_error.empty()) std::printf("    %s\n", escape_for_log(entry.last_error).c_str());
}

nlohmann::ordered_json json_of(const smtpd::QueueEntry& entry) {
    return {{"id", entry.queue_id},          {"sender", entry.sender},
            {"recipient", entry.address},    {"route", entry.kind == smtpd::RecipientKind::route},
            {"received", entry.received},    {"next_attempt", entry.next_attempt},
            {"attempts", entry.attempts},    {"octets", entry.size},
            {"last_error", entry.last_error}};
}

int list(priv::Channel& channel, bool json) {
    const UnixTime now = SystemClock().unix_now();
    auto all = nlohmann::ordered_json::array();
    for (std::uint64_t after = 0;;) {
        const auto answer = priv::ask(channel, 0, smtpd::ListQueue{after, most_entries});
        if (!answer) return complain(answer.error());
        if (answer->body.entries.empty()) break;
        for (const smtpd::QueueEntry& entry : answer->body.entries) {
            if (json) all.push_back(json_of(entry));
            if (!json) print_entry(entry, now);
            after = entry.row;
        }
    }
    if (json) print_json(all);
    return 0;
}

int stats(priv::Channel& channel, bool json) {
    const auto answer = priv::ask(channel, 0, smtpd::AskStats{});
    if (!answer) return complain(answer.error());
    const smtpd::QueueStats* stats = &answer->body;
    const nlohmann::ordered_json all{{"messages", stats->messages}, {"recipients", stats->recipients},
                                     {"due", stats->due},           {"being_delivered", stats->leased},
                                     {"accepted", stats->accepted}, {"delivered", stats->delivered},
                                     {"bounced", stats->bounced},   {"commits", stats->commits}};
    if (json) return print_json(all), 0;
    for (const auto& [name, value] : all.items())
        std::printf("%-16s %llu\n", name.c_str(), static_cast<unsigned long long>(value.get<std::uint64_t>()));
    return 0;
}

// retry and remove: how many recipients it was. None = nobody has this id, or its mail is gone by now.
template <class Change>
int change(priv::Channel& channel, std::string_view id, bool json) {
    const auto answer = priv::ask(channel, 0, Change{std::string(id)});
    if (!answer) return complain(answer.error());
    const std::uint32_t rows = answer->body.rows;
    if (json) {
        print_json({{"recipients", rows}});
    } else {
        std::printf("%u recipients\n", rows);
    }
    return rows == 0 && !id.empty() ? exit_failed : 0;
}

int run(priv::Channel& channel, std::string_view verb, std::string_view id, bool json) {
    if (verb == "list") return list(channel, json);
    if (verb == "stats") return stats(channel, json);
    if (verb == "retry") return change<smtpd::RetryNow>(channel, id, json);
    return change<smtpd::RemoveMail>(channel, id, json);
}

bool well_formed(std::string_view verb, std::string_view id) {
    if (verb == "remove") return !id.empty();
    return verb == "retry" || (id.empty() && (verb == "list" || verb == "stats"));
}

} // namespace

int queue_command(std::span<const std::string_view> args) {
    const std::string_view verb = args.empty() ? "" : args[0];
    const std::string_view id = args.size() > 1 && !args[1].starts_with('-') ? args[1] : "";
    const auto arguments = parse_control_arguments(args.subspan(args.empty() ? 0 : id.empty() ? 1 : 2));
    if (!arguments || !arguments->socket.empty() || !well_formed(verb, id)) {
        std::fprintf(stderr, "%.*s\n", static_cast<int>(usage.size()), usage.data());
        return exit_usage;
    }
    const auto run_dir = run_directory(arguments->config);
    if (!run_dir) return complain(run_dir.error()), exit_config;
    auto socket = smtpd::open_queue(*run_dir, smtpd::QueueRole::control);
    if (!socket) return complain(socket.error());
    priv::Channel channel(std::move(*socket));
    return run(channel, verb, id, arguments->json);
}

} // namespace posada::ctl
