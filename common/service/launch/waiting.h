// SPDX-License-Identifier: BSD-2-Clause
// The connections that have not logged in, by source: who has to go when a service is full. One address that opens
// connections and does nothing with them must not keep others out, whatever the limits are.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace posada::service {

class Waiting {
  public:
    // Ids only grow: the smallest is the oldest.
    void add(std::uint64_t id, const std::string& source);
    void remove(std::uint64_t id); // logged in or ended; unknown ids are no mistake
    // The oldest connection of the source that has most of them, if that is at least `more` above what the newcomer's
    // own source has.
    [[nodiscard]] std::optional<std::uint64_t> oldest_of_busiest(const std::string& newcomer, std::size_t more) const;
    [[nodiscard]] std::size_t count(const std::string& source) const;

  private:
    using Rank = std::pair<std::size_t, std::uint64_t>; // connections, ~oldest
    void unrank(const std::set<std::uint64_t>& ids);
    void rank(const std::set<std::uint64_t>& ids);
    std::unordered_map<std::uint64_t, std::string> source_of_;
    std::unordered_map<std::string, std::set<std::uint64_t>> sources_; // never an empty set
    std::set<Rank> ranks_;
};

} // namespace posada::service
