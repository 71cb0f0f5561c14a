// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/read_ahead.h"

#include <algorithm>

namespace posada::pop3d {

namespace {
constexpr std::uint32_t window_growth = 4;
constexpr std::uint32_t most_requests = 2;                        // on their way
constexpr std::uint32_t most_ahead = most_requests * fetch_batch; // messages
} // namespace

std::uint32_t ReadAhead::end() const {
    if (!asked_.empty()) return asked_.back().first + asked_.back().count;
    return first_ + static_cast<std::uint32_t>(opened_.size());
}

// A step forward to what is here, on its way or next in line makes the window larger; any other jump begins anew, and
// the answer to what was asked before is not waited for.
void ReadAhead::want(std::uint32_t number) {
    const bool forward = window_ != 0 && number > last_wanted_ && number <= end();
    window_ = forward ? std::min(window_ * window_growth, most_ahead) : 1;
    last_wanted_ = number;
    waiting_ = true;
    if (number >= limit_) limit_ = messages_;
    if (forward) return drop_before(number);
    asked_.clear();
    opened_.clear();
    first_ = number;
}

void ReadAhead::drop_before(std::uint32_t number) {
    for (; first_ < number && !opened_.empty(); ++first_) opened_.pop_front();
    if (opened_.empty() && asked_.empty()) first_ = number;
}

std::optional<OpenedMessage> ReadAhead::take() {
    if (!waiting_ || opened_.empty() || first_ != last_wanted_) return std::nullopt;
    waiting_ = false;
    OpenedMessage out = std::move(opened_.front());
    opened_.pop_front();
    ++first_;
    return out;
}

// In halves: while the client takes one, the agent opens the other.
std::optional<Fetch> ReadAhead::next_request() {
    const std::uint32_t next = end();
    const std::uint32_t count = std::max(window_ / most_requests, 1U);
    const bool idle = !waiting_ && window_ < window_growth;
    if (idle || next - first_ + count > window_ || next >= limit_) return std::nullopt;
    asked_.push_back({next, std::min(count, limit_ - next)});
    return asked_.back();
}

// Fewer than asked for: the next one could not be opened, and what comes behind it does not join on.
void ReadAhead::answered(const Fetch& asked, std::vector<OpenedMessage> messages) {
    if (!current(asked)) return;
    asked_.pop_front();
    if (messages.size() < asked.count) asked_.clear();
    if (opened_.empty()) first_ = asked.first;
    for (OpenedMessage& message : messages) opened_.push_back(std::move(message));
    drop_before(waiting_ ? last_wanted_ : first_);
}

bool ReadAhead::failed(const Fetch& asked) {
    if (!current(asked)) return false;
    asked_.clear();
    limit_ = waiting_ && last_wanted_ > asked.first ? messages_ : asked.first;
    if (waiting_ && last_wanted_ == asked.first) {
        waiting_ = false;
        return true;
    }
    drop_before(waiting_ ? last_wanted_ : first_);
    return false;
}

} // namespace posada::pop3d
