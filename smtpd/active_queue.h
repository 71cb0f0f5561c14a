// SPDX-License-Identifier: BSD-2-Clause
// ActiveQueue: the part of the queue that is in memory: rows that are due, by destination, and who has leased which.
// It is bounded; what does not fit stays in the spool until there is room. No I/O. Destinations take turns, so that one
// busy mailbox does not starve the others.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "smtpd/spool.h"

namespace posada::smtpd {

struct ActiveRow {
    StoredRow row;
    bool look = false;       // an attempt may have been made whose outcome we do not know
    std::uint64_t lease = 0; // 0 = ready
};

class ActiveQueue {
  public:
    // local_leases, route_leases: how many leases one destination may have at once.
    ActiveQueue(std::size_t most_rows, unsigned local_leases, unsigned route_leases)
        : most_rows_(most_rows), local_leases_(local_leases), route_leases_(route_leases) {}

    // False: there is no room, the row is overflow().
    bool add(StoredRow row, bool look);
    [[nodiscard]] bool contains(std::uint64_t row) const { return rows_.count(row) != 0; }
    [[nodiscard]] std::size_t size() const { return rows_.size(); }
    [[nodiscard]] std::size_t leased() const { return leased_; }
    // Some rows were refused since the last clear_overflow(), and there is room for them again.
    [[nodiscard]] bool wants_more() const { return overflow_ && rows_.size() < most_rows_ / 2; }
    void clear_overflow() { overflow_ = false; }

    // Rows of one destination, at most `most`, leased as number lease (never 0); empty = nothing is ready.
    std::vector<std::uint64_t> take(RecipientKind kind, std::uint64_t lease, std::size_t most);
    [[nodiscard]] const ActiveRow& at(std::uint64_t row) const { return rows_.at(row); }
    // Back to ready, at the front, untouched.
    void give_back(std::uint64_t row);
    // nullptr unless this lease has this row.
    [[nodiscard]] const ActiveRow* leased_row(std::uint64_t lease, std::uint64_t row) const;
    void erase(std::uint64_t row);
    // The lease ends; what is still in it is ready again and its outcome unknown.
    void end_lease(std::uint64_t lease);

    // "user@domain" or "domain".
    static std::string destination(const StoredRow& row);

  private:
    struct Destination {
        std::deque<std::uint64_t> ready;
        unsigned leases = 0;
        bool queued = false; // stands in turns_
    };
    struct LeaseState {
        std::string key;
        std::vector<std::uint64_t> rows;
    };
    static std::string key_of(const StoredRow& row);
    [[nodiscard]] unsigned allowed(const std::string& key) const {
        return key.front() == 'l' ? local_leases_ : route_leases_;
    }
    void make_ready(const ActiveRow& row, bool front);
    void queue_turn(const std::string& key, Destination& destination);

    std::size_t most_rows_;
    unsigned local_leases_;
    unsigned route_leases_;
    bool overflow_ = false;
    std::size_t leased_ = 0;
    std::unordered_map<std::uint64_t, ActiveRow> rows_;
    std::unordered_map<std::string, Destination> destinations_;
    std::deque<std::string> turns_[2];
    std::map<std::uint64_t, LeaseState> leases_;
};

} // namespace posada::smtpd
