// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/waiting.h"

namespace posada::service {

void Waiting::unrank(const std::set<std::uint64_t>& ids) {
    if (!ids.empty()) ranks_.erase({ids.size(), ~*ids.begin()});
}

void Waiting::rank(const std::set<std::uint64_t>& ids) {
    if (!ids.empty()) ranks_.insert({ids.size(), ~*ids.begin()});
}

void Waiting::add(std::uint64_t id, const std::string& source) {
    auto& ids = sources_[source];
    unrank(ids);
    ids.insert(id);
    rank(ids);
    source_of_[id] = source;
}

void Waiting::remove(std::uint64_t id) {
    const auto found = source_of_.find(id);
    if (found == source_of_.end()) return;
    const auto source = sources_.find(found->second);
    unrank(source->second);
    source->second.erase(id);
    rank(source->second);
    if (source->second.empty()) sources_.erase(source);
    source_of_.erase(found);
}

std::size_t Waiting::count(const std::string& source) const {
    const auto found = sources_.find(source);
    return found == sources_.end() ? 0 : found->second.size();
}

std::optional<std::uint64_t> Waiting::oldest_of_busiest(const std::string& newcomer, std::size_t more) const {
    if (ranks_.empty() || ranks_.rbegin()->first < count(newcomer) + more) return std::nullopt;
    return ~ranks_.rbegin()->second;
}

} // namespace posada::service
