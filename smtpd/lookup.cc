// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/lookup.h"

#include <algorithm>

namespace posada::smtpd {

namespace {
constexpr Millis longest_check{1'000};
} // namespace

LookupClient::LookupClient(io::Loop& loop, std::function<void()> want, Millis answer_within)
    : loop_(loop), want_(std::move(want)), answer_within_(answer_within), timer_(loop, [this] { watch_deadlines(); }) {}

void LookupClient::adopt(UniqueFd channel) {
    client_ = std::make_unique<service::RequestClient>(loop_, std::move(channel), 0, [this] { want_(); });
    flush();
}

void LookupClient::ask(std::uint64_t session, std::string_view local_part, OnAnswer on_answer) {
    const std::uint64_t id = next_id_++;
    questions_[id] =
        Question{session, std::string(local_part), std::move(on_answer), loop_.clock().now() + answer_within_, false};
    unsent_.push_back(id);
    if (!timer_.running()) timer_.start(std::min(longest_check, answer_within_));
    if (flush_due_) return;
    flush_due_ = true; // what other sessions ask in this turn of the loop goes into the same message
    loop_.defer([this] {
        flush_due_ = false;
        flush();
    });
}

void LookupClient::flush() {
    while (client_ && !client_->closed() && !unsent_.empty()) {
        Ids ids;
        Lookup lookup;
        while (!unsent_.empty() && ids.size() < max_lookup_batch) {
            const auto found = questions_.find(unsent_.front());
            unsent_.pop_front();
            if (found == questions_.end()) continue;
            ids.push_back(found->first);
            lookup.names.push_back(found->second.name);
        }
        if (ids.empty()) return;
        client_->ask(0, lookup, [this, ids](const auto& answer) { answered(ids, answer); });
    }
}

void LookupClient::answered(const Ids& ids, const Result<priv::Answered<Verdicts>>& answer) {
    if (!answer && answer.error().code == Errc::closed) return retry(ids);
    const bool usable = answer.ok() && answer->body.verdicts.size() == ids.size();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const HasMail verdict = usable ? answer->body.verdicts[i] : HasMail::cannot_say;
        if (verdict == HasMail::cannot_say) {
            finish(ids[i], Error{Errc::unavailable, 0, "the accounts cannot be asked now"});
        } else {
            finish(ids[i], verdict == HasMail::yes);
        }
    }
}

// The worker went with them unanswered: because the users changed, or because one of them killed it.
void LookupClient::retry(const Ids& ids) {
    for (const std::uint64_t id : ids) {
        const auto found = questions_.find(id);
        if (found == questions_.end()) continue;
        if (std::exchange(found->second.tried, true)) {
            finish(id, Error{Errc::unavailable, 0, "the lookup worker died twice"});
        } else {
            unsent_.push_back(id);
        }
    }
}

void LookupClient::finish(std::uint64_t id, Result<bool> answer) {
    const auto found = questions_.find(id);
    if (found == questions_.end()) return;
    const OnAnswer on_answer = std::move(found->second.on_answer);
    questions_.erase(found);
    on_answer(std::move(answer));
}

void LookupClient::forget(std::uint64_t session) {
    for (auto it = questions_.begin(); it != questions_.end();)
        it = it->second.session == session ? questions_.erase(it) : std::next(it);
}

void LookupClient::watch_deadlines() {
    const Instant now = loop_.clock().now();
    Ids late;
    for (const auto& [id, question] : questions_)
        if (question.deadline <= now) late.push_back(id);
    for (const std::uint64_t id : late) finish(id, Error{Errc::timeout, 0, "the accounts cannot be asked now"});
    if (!late.empty() && client_ && !client_->closed()) {
        // It hangs, or is hopelessly behind: the launcher kills it when it starts the next one.
        client_.reset();
        for (const auto& [id, question] : questions_)
            if (std::find(unsent_.begin(), unsent_.end(), id) == unsent_.end()) unsent_.push_back(id);
        want_();
    }
    if (!questions_.empty()) timer_.start(std::min(longest_check, answer_within_));
}

} // namespace posada::smtpd
