// SPDX-License-Identifier: BSD-2-Clause
#include "clients/ftp/rate.h"

#include <cstdlib>
#include <utility>

#include "common/base/units.h"

namespace posada::ftp {

constexpr std::uint64_t usual_increment = 1024;

void Rate::set(std::uint64_t octets_per_second, std::uint64_t increment) {
    const std::lock_guard lock(mutex_);
    limit_ = octets_per_second;
    increment_ = increment;
    pace_ = Pace(limit_);
}

void Rate::step(int count) {
    const std::lock_guard lock(mutex_);
    const int news = count - std::exchange(steps_, count);
    if (limit_ == 0 || news == 0) return;
    const std::uint64_t change = increment_ * static_cast<std::uint64_t>(std::abs(news));
    if (news > 0)
        limit_ += change;
    else
        limit_ = limit_ > change ? limit_ - change : 1; // 0 would be no limit
    pace_ = Pace(limit_);
}

std::uint64_t Rate::limit() const {
    const std::lock_guard lock(mutex_);
    return limit_;
}

std::uint64_t Rate::increment() const {
    const std::lock_guard lock(mutex_);
    return increment_;
}

std::uint64_t Rate::bundle() const {
    const std::lock_guard lock(mutex_);
    return pace_.bundle();
}

Millis Rate::spend(std::uint64_t octets, Instant now) {
    const std::lock_guard lock(mutex_);
    pace_.spent(octets, now);
    return pace_.wait(now);
}

static bool is_direction(const std::string& word) { return word == "all" || word == "get" || word == "put"; }

Status set_rates(Rates& rates, const std::vector<std::string>& words) {
    const bool named = !words.empty() && is_direction(words[0]);
    const std::string direction = named ? words[0] : "all";
    const std::size_t first = named ? 1 : 0;
    if (words.size() <= first || words.size() > first + 2)
        return Error{Errc::invalid, 0, "[all|get|put] octets-per-second [increment]"};
    const auto limit = parse_size(words[first]);
    const auto increment = words.size() > first + 1 ? parse_size(words[first + 1]) : Result(usual_increment);
    if (!limit) return Error{Errc::invalid, 0, words[first] + " " + limit.error().text};
    if (!increment) return Error{Errc::invalid, 0, words[first + 1] + " " + increment.error().text};
    if (direction != "put") rates.get.set(*limit, *increment);
    if (direction != "get") rates.put.set(*limit, *increment);
    return {};
}

} // namespace posada::ftp
