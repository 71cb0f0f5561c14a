// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/mailroom.h"

#include "common/base/text.h"
#include "common/service/config.h"

namespace posada::smtpd {

Result<std::unique_ptr<Mailroom>> Mailroom::open(service::NetContext& context) {
    SmtpdOptions options;
    const auto decoded = service::decode_net_options(context.options, *SmtpdOptions::section().schema, &options);
    if (!decoded) return decoded.error();
    std::unique_ptr<Mailroom> room(new Mailroom(context, std::move(options)));
    room->channel_binding_ = decoded->channel_binding;
    room->read_policy(context, decoded->scram, decoded->service.transcript, decoded->mail.domains);
    return room;
}

Mailroom::Mailroom(service::NetContext& context, SmtpdOptions options)
    : context_(context), options_(std::move(options)), memory_(options_.spool_memory),
      lookups_(context.loop, [&context] { context.want("lookup"); }) {}

void Mailroom::read_policy(const service::NetContext& context, bool scram, bool transcript,
                           const std::vector<std::string>& domains) {
    policy_.hostname = context.hostname;
    for (const auto& domain : domains) policy_.local_domains.push_back(ascii_lower(domain));
    if (domains.empty()) policy_.local_domains.push_back(ascii_lower(context.hostname));
    for (const auto& route : options_.routes) policy_.route_domains.push_back(ascii_lower(route.domain));
    policy_.postmaster = options_.postmaster;
    policy_.max_message_size = options_.max_message_size;
    policy_.max_header_size = options_.max_header_size;
    policy_.max_recipients = options_.max_recipients;
    policy_.max_hops = options_.max_hops;
    policy_.max_errors = options_.max_errors;
    policy_.max_idle_commands = options_.max_idle_commands;
    policy_.repair_line_ends = options_.bare_lf == BareLf::repair;
    policy_.scram = scram;
    policy_.transcript = transcript;
}

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
