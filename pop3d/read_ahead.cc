// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/read_ahead.h"

#include <algorithm>

namespace posada::pop3d {

namespace {
constexpr std::uint32_t window_growth = 4;
}

// A step forward to what is here, on its way or next in line makes the window larger; any other jump begins anew, and
// the answer to what was asked before is not waited for.
void ReadAhead::want(std::uint32_t number) {
    const std::uint32_t end =
        asked_ ? asked_->first + asked_->count : first_ + static_cast<std::uint32_t>(opened_.size());
    const bool forward = window_ != 0 && number > last_wanted_ && number <= end;
    window_ = forward ? std::min(window_ * window_growth, fetch_batch) : 1;
    last_wanted_ = number;
    waiting_ = true;
    if (number >= limit_) limit_ = messages_;
    if (forward) return drop_before(number);
    asked_.reset();
    opened_.clear();
    first_ = number;
}

void ReadAhead::drop_before(std::uint32_t number) {
    for (; first_ < number && !opened_.empty(); ++first_) opened_.pop_front();
    if (opened_.empty() && !asked_) first_ = number;
}

std::optional<OpenedMessage> ReadAhead::take() {
    if (!waiting_ || opened_.empty() || first_ != last_wanted_) return std::nullopt;
    waiting_ = false;
    OpenedMessage out = std::move(opened_.front());
    opened_.pop_front();
    ++first_;
    return out;
}

// In good time: half a window is still here when more is asked for.
std::optional<FetchRange> ReadAhead::next_request() {
    const auto here = static_cast<std::uint32_t>(opened_.size());
    const std::uint32_t next = first_ + here;
    const bool idle = !waiting_ && window_ < window_growth;
    if (asked_ || idle || here > window_ / 2 || next >= limit_) return std::nullopt;
    asked_ = FetchRange{next, std::min(window_ - here, limit_ - next)};
    return asked_;
}

void ReadAhead::answered(const FetchRange& asked, std::vector<OpenedMessage> messages) {
    if (!current(asked)) return;
    asked_.reset();
    if (opened_.empty()) first_ = asked.first;
    for (OpenedMessage& message : messages) opened_.push_back(std::move(message));
    drop_before(waiting_ ? last_wanted_ : first_);
}

bool ReadAhead::failed(const FetchRange& asked) {
    if (!current(asked)) return false;
    asked_.reset();
    limit_ = waiting_ && last_wanted_ > asked.first ? messages_ : asked.first;
    if (waiting_ && last_wanted_ == asked.first) {
        waiting_ = false;
        return true;
    }
    drop_before(waiting_ ? last_wanted_ : first_);
    return false;
}

} // namespace posada::pop3d
