// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/mailroom.h"

#include <algorithm>
#include <iterator>

#include "common/base/text.h"
#include "common/service/config/config.h"

namespace posada::smtpd {

Result<NetSettings> NetSettings::read(const service::NetStart& start) {
    NetSettings out;
    Policy& policy = out.policy;
    SmtpdOptions& options = policy;
    const auto common = service::decode_net_options(start.options, SmtpdOptions::section(), &options);
    if (!common) return common.error();
    out.channel_binding = common->channel_binding;
    policy.hostname = start.hostname;
    for (const auto& domain : common->mail.domains) policy.local_domains.push_back(ascii_lower(domain));
    if (policy.local_domains.empty()) policy.local_domains.push_back(ascii_lower(start.hostname));
    for (const auto& route : options.routes) policy.route_domains.push_back(ascii_lower(route.domain));
    policy.scram = common->scram;
    policy.transcript = common->service.transcript;
    return out;
}

Mailroom::Mailroom(service::NetContext& context, const NetSettings& settings)
    : context_(context), settings_(settings), memory_(settings.policy.spool_memory),
      lookups_(context.loop, [&context] { context.want("lookup"); }),
      wait_timer_(context.loop, [this] { give_up_waiting(); }) {}

void Mailroom::adopt(std::string_view name, UniqueFd channel) {
    if (name == "lookup") return lookups_.adopt(std::move(channel));
    if (name != "queue") return;
    spaces_.clear();
    queue_ = std::make_unique<QueueClient>(context_.loop, std::move(channel), [this] { context_.want("queue"); });
    queue_->watch_spaces([this](Spaces told) { spaces_.adopt(std::move(told), context_.loop.clock().now()); });
    answer_waiting(waiting_.size(), true);
}

void Mailroom::when_queue(std::uint64_t session, std::function<void(bool)> then) {
    const Millis wait = settings_.policy.queue_wait;
    if (queue_is_there() || wait == Millis(0)) return then(queue_is_there());
    waiting_.push_back({session, context_.loop.clock().now() + wait, std::move(then)});
    if (!wait_timer_.running()) wait_timer_.start(wait);
}

// Who is told may ask again.
void Mailroom::answer_waiting(std::size_t count, bool there) {
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Waiting> told(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    for (const Waiting& one : told) one.then(there);
}

void Mailroom::give_up_waiting() {
    const Instant now = context_.loop.clock().now();
    const auto patient = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& w) { return w.until > now; });
    if (patient != waiting_.end()) wait_timer_.start(patient->until - now);
    answer_waiting(static_cast<std::size_t>(patient - waiting_.begin()), false);
}

void Mailroom::submit(std::uint64_t session, const Envelope& envelope, std::vector<UniqueFd> parts,
                      QueueClient::OnQueued on_queued) {
    if (queue_is_there()) return queue_->submit(session, envelope, std::move(parts), std::move(on_queued));
    auto held = std::make_shared<std::vector<UniqueFd>>(std::move(parts));
    when_queue(session, [this, session, envelope, held, on_queued = std::move(on_queued)](bool there) {
        if (!there) return on_queued(Error{Errc::unavailable, 0, "the queue is not running"});
        queue_->submit(session, envelope, std::move(*held), on_queued);
    });
}

void Mailroom::forget(std::uint64_t session) {
    lookups_.forget(session);
    std::erase_if(waiting_, [session](const auto& waiting) { return waiting.session == session; });
    if (queue_) queue_->forget(session);
}

} // namespace posada::smtpd
