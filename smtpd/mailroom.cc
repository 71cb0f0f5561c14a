// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/mailroom.h"

#include "common/base/text.h"
#include "common/service/config.h"

namespace posada::smtpd {

Result<NetSettings> NetSettings::read(const service::NetStart& start) {
    NetSettings out;
    const auto common = service::decode_net_options(start.options, *SmtpdOptions::section().schema, &out.options);
    if (!common) return common.error();
    out.channel_binding = common->channel_binding;
    Policy& policy = out.policy;
    policy.hostname = start.hostname;
    for (const auto& domain : common->mail.domains) policy.local_domains.push_back(ascii_lower(domain));
    if (policy.local_domains.empty()) policy.local_domains.push_back(ascii_lower(start.hostname));
    for (const auto& route : out.options.routes) policy.route_domains.push_back(ascii_lower(route.domain));
    policy.postmaster = out.options.postmaster;
    policy.max_message_size = out.options.max_message_size;
    policy.max_header_size = out.options.max_header_size;
    policy.max_recipients = out.options.max_recipients;
    policy.max_hops = out.options.max_hops;
    policy.max_errors = out.options.max_errors;
    policy.max_idle_commands = out.options.max_idle_commands;
    policy.repair_line_ends = out.options.bare_lf == BareLf::repair;
    policy.scram = common->scram;
    policy.transcript = common->service.transcript;
    return out;
}

Mailroom::Mailroom(service::NetContext& context, const NetSettings& settings)
    : context_(context), settings_(settings), memory_(settings.options.spool_memory),
      lookups_(context.loop, [&context] { context.want("lookup"); }) {}

void Mailroom::adopt(std::string_view name, UniqueFd channel) {
    if (name == "lookup") return lookups_.adopt(std::move(channel));
    if (name != "queue") return;
    spaces_.clear();
    queue_ = std::make_unique<QueueClient>(context_.loop, std::move(channel), [this] { context_.want("queue"); });
    queue_->watch_spaces([this](std::string_view wire) { return spaces_.adopt(wire, context_.loop.clock().now()); });
}

void Mailroom::submit(std::uint64_t session, const Envelope& envelope, std::vector<UniqueFd> parts,
                      QueueClient::OnQueued on_queued) {
    if (!queue_is_there()) return on_queued(Error{Errc::unavailable, 0, "the queue is not running"});
    queue_->submit(session, envelope, std::move(parts), std::move(on_queued));
}

void Mailroom::forget(std::uint64_t session) {
    lookups_.forget(session);
    if (queue_) queue_->forget(session);
}

} // namespace posada::smtpd
