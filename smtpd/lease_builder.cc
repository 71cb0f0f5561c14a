// SPDX-License-Identifier: BSD-2-Clause
#include "smtpd/lease_builder.h"

#include <algorithm>

namespace posada::smtpd {

namespace {
constexpr std::uint64_t most_octets = 4 * 1024 * 1024; // of one lease's memfd
constexpr std::size_t most_wire = 60'000;              // of one lease's packet
constexpr std::size_t message_overhead = 48;
constexpr std::size_t row_overhead = 16;
} // namespace

bool LeaseBuilder::has_room(std::uint64_t octets, std::size_t wire) const {
    return lease.messages.empty() || (octets_.size() + octets <= most_octets && wire_ + wire <= most_wire);
}

Result<LeaseBuilder::Added> LeaseBuilder::add_message(const SpoolMessage& message) {
    const std::size_t wire = message_overhead + message.queue_id.size() + message.sender.size();
    if (message.in_file ? !lease.messages.empty() : has_file_ || !has_room(message.size, wire)) return Added::full;
    LeaseMessage out;
    out.queue_id = message.queue_id;
    out.sender = message.sender;
    out.body_8bit = message.body_8bit;
    out.received = message.received;
    out.size = message.size;
    if (message.in_file) {
        auto file = spool_.open_body(message);
        if (!file) return file.error();
        body = std::move(*file);
        has_file_ = true;
    } else {
        auto blob = spool_.body(message.id);
        if (!blob) return blob.error();
        out.offset = octets_.size();
        octets_ += *blob;
    }
    wire_ += wire;
    index_.emplace(message.id, lease.messages.size());
    lease.messages.push_back(std::move(out));
    return Added::yes;
}

Result<LeaseBuilder::Added> LeaseBuilder::add(const ActiveRow& row) {
    auto known = index_.find(row.row.message);
    if (known == index_.end()) {
        auto message = spool_.message(row.row.message);
        if (!message && message.error().code == Errc::not_found) return Added::gone;
        if (!message) return message.error();
        auto added = add_message(*message);
        if (!added || *added != Added::yes) return added;
        known = index_.find(row.row.message);
    }
    const std::size_t wire = row_overhead + row.row.address.size();
    LeaseMessage& message = lease.messages[known->second];
    if (!message.rows.empty() && wire_ + wire > most_wire) return Added::full;
    wire_ += wire;
    message.rows.push_back({row.row.row, row.row.address, row.row.attempts, row.look || row.row.attempts > 0});
    return Added::yes;
}

Status LeaseBuilder::build(std::span<const std::uint64_t> rows) {
    std::size_t n = 0;
    for (; n < rows.size(); ++n) {
        auto added = add(active_.at(rows[n]));
        if (!added) return added.error();
        if (*added == Added::gone) active_.erase(rows[n]);
        if (*added == Added::full) break;
    }
    for (std::size_t back = rows.size(); back > n; --back) active_.give_back(rows[back - 1]);
    if (lease.messages.empty() || has_file_) return {};
    auto memfd = make_sealed_memfd("posada-lease", octets_);
    if (!memfd) return memfd.error();
    body = std::move(*memfd);
    return {};
}

} // namespace posada::smtpd
