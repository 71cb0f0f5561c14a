// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/active_queue.h"

#include <algorithm>

#include "common/base/text.h"

namespace posada::smtpd {

std::string ActiveQueue::destination(const StoredRow& row) {
    if (row.kind == RecipientKind::local) return row.address;
    return ascii_lower(std::string_view(row.address).substr(row.address.rfind('@') + 1));
}

std::string ActiveQueue::key_of(const StoredRow& row) {
    return (row.kind == RecipientKind::local ? 'l' : 'r') + destination(row);
}

void ActiveQueue::queue_turn(const std::string& key, Destination& destination) {
    if (destination.queued || destination.ready.empty() || destination.leases >= allowed(key)) return;
    destination.queued = true;
    turns_[key.front() == 'l' ? 0 : 1].push_back(key);
}

void ActiveQueue::make_ready(const ActiveRow& row, bool front) {
    const std::string key = key_of(row.row);
    Destination& destination = destinations_[key];
    if (front)
        destination.ready.push_front(row.row.row);
    else
        destination.ready.push_back(row.row.row);
    queue_turn(key, destination);
}

bool ActiveQueue::add(StoredRow row, bool look) {
    if (rows_.size() >= most_rows_) {
        overflow_ = true;
        return false;
    }
    const std::uint64_t id = row.row;
    const auto [at, fresh] = rows_.try_emplace(id, ActiveRow{std::move(row), look, 0});
    if (fresh) make_ready(at->second, false);
    return true;
}

std::vector<std::uint64_t> ActiveQueue::take(RecipientKind kind, std::uint64_t lease, std::size_t most) {
    std::deque<std::string>& turns = turns_[kind == RecipientKind::local ? 0 : 1];
    while (!turns.empty()) {
        const std::string key = std::move(turns.front());
        turns.pop_front();
        Destination& destination = destinations_[key];
        destination.queued = false;
        LeaseState state{key, {}};
        while (!destination.ready.empty() && state.rows.size() < most) {
            const auto row = rows_.find(destination.ready.front());
            destination.ready.pop_front();
            if (row == rows_.end() || row->second.lease != 0) continue; // erased meanwhile
            row->second.lease = lease;
            state.rows.push_back(row->first);
        }
        if (state.rows.empty()) {
            if (destination.leases == 0) destinations_.erase(key);
            continue;
        }
        ++destination.leases;
        leased_ += state.rows.size();
        queue_turn(key, destination);
        return leases_.insert_or_assign(lease, std::move(state)).first->second.rows;
    }
    return {};
}

void ActiveQueue::give_back(std::uint64_t row) {
    const auto found = rows_.find(row);
    if (found == rows_.end() || found->second.lease == 0) return;
    const auto lease = leases_.find(found->second.lease);
    if (lease != leases_.end()) std::erase(lease->second.rows, row);
    found->second.lease = 0;
    --leased_;
    make_ready(found->second, true);
}

const ActiveRow* ActiveQueue::leased_row(std::uint64_t lease, std::uint64_t row) const {
    const auto found = rows_.find(row);
    return found != rows_.end() && lease != 0 && found->second.lease == lease ? &found->second : nullptr;
}

void ActiveQueue::erase(std::uint64_t row) {
    const auto found = rows_.find(row);
    if (found == rows_.end()) return;
    if (found->second.lease != 0) --leased_;
    rows_.erase(found); // its number in a ready list or a lease is skipped later
}

void ActiveQueue::end_lease(std::uint64_t lease) {
    const auto found = leases_.find(lease);
    if (found == leases_.end()) return;
    const LeaseState state = std::move(found->second);
    leases_.erase(found);
    Destination& destination = destinations_[state.key];
    --destination.leases;
    for (auto row = state.rows.rbegin(); row != state.rows.rend(); ++row) {
        const auto active = rows_.find(*row);
        if (active == rows_.end() || active->second.lease != lease) continue;
        active->second.lease = 0;
        active->second.look = true;
        --leased_;
        destination.ready.push_front(*row);
    }
    queue_turn(state.key, destination);
    if (destination.ready.empty() && destination.leases == 0 && !destination.queued) destinations_.erase(state.key);
}

} // namespace posada::smtpd
