// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/launch/limits.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/base/hash.h"
#include "common/base/shared_table.h"

namespace posada::service {

namespace {

constexpr std::uint32_t max_slots = 16'384;
constexpr std::uint32_t max_penalties = 4'096; // beyond it the table is permissive: a flood must not lock others out
constexpr std::uint32_t version = 2;

// Never 0, which marks a free place.
std::uint64_t hash_text(std::string_view text) { return std::max<std::uint64_t>(fnv1a(text), 1); }

struct Slot {
    std::uint64_t source;
    std::uint64_t service;
    pid_t pid; // 0 = free
};

struct Penalty {
    std::uint64_t source;
    std::int64_t until; // milliseconds of the monotonic clock
    std::int64_t length;
};

} // namespace

struct LimitTable {
    std::uint32_t high_water;         // slots above it were never used
    std::uint32_t penalty_high_water; // nor penalties: 96 KiB need not be read for every client
    Slot slots[max_slots];
    Penalty penalties[max_penalties];
};

namespace {

struct Count {
    std::uint32_t total = 0, service = 0, source = 0;
};

Count count(const LimitTable& table, std::uint64_t service, std::uint64_t source) {
    Count n;
    for (std::uint32_t i = 0; i < table.high_water; ++i) {
        const Slot& slot = table.slots[i];
        if (slot.pid == 0) continue;
        ++n.total;
        if (slot.service == service) ++n.service;
        if (slot.source == source) ++n.source;
    }
    return n;
}

void reclaim_dead(LimitTable& table) {
    pid_t last_alive = 0;
    for (std::uint32_t i = 0; i < table.high_water; ++i) {
        Slot& slot = table.slots[i];
        if (slot.pid == 0 || slot.pid == last_alive) continue;
        if (::kill(slot.pid, 0) != 0 && errno == ESRCH) {
            slot.pid = 0;
        } else {
            last_alive = slot.pid;
        }
    }
}

std::uint32_t free_slot(LimitTable& table) {
    std::uint32_t i = 0;
    while (i < table.high_water && table.slots[i].pid != 0) ++i;
    if (i == table.high_water && i < max_slots) ++table.high_water;
    return i;
}

std::optional<Refused> exceeded(const Count& n, const LimitConfig& config) {
    if (n.total >= std::min(config.total, max_slots)) return Refused::total;
    if (n.service >= config.per_service) return Refused::per_service;
    if (n.source >= config.per_source) return Refused::per_source;
    return std::nullopt;
}

Penalty* find_penalty(LimitTable& table, std::uint64_t source) {
    Penalty* const end = table.penalties + std::min(table.penalty_high_water, max_penalties);
    Penalty* const found =
        std::find_if(table.penalties, end, [source](const Penalty& p) { return p.source == source; });
    return found == end ? nullptr : found;
}

// One that lasts longer than any may is of another boot of the machine.
bool in_force(const Penalty* penalty, std::int64_t now, const LimitConfig& config) {
    return penalty != nullptr && now < penalty->until && penalty->until - now <= config.penalty_max.count();
}

Penalty* place_for_penalty(LimitTable& table, std::int64_t now, const LimitConfig& config) {
    const std::uint32_t used = std::min(table.penalty_high_water, max_penalties);
    for (std::uint32_t i = 0; i < used; ++i)
        if (now > table.penalties[i].until + config.penalty_max.count()) return &table.penalties[i];
    if (used == max_penalties) return nullptr;
    return &table.penalties[table.penalty_high_water++];
}

} // namespace

struct Limits::Table : SharedTable<LimitTable> {
    explicit Table(SharedTable&& table) : SharedTable(std::move(table)) {}
};

const char* refused_name(Refused which) noexcept {
    switch (which) {
    case Refused::total: return "total";
    case Refused::per_service: return "per-service";
    case Refused::per_source: return "per-source";
    case Refused::penalty: return "penalty";
    }
    return "unknown";
}

Limits::Limits(std::unique_ptr<Table> table, std::string_view service, const LimitConfig& config)
    : table_(std::move(table)), config_(config), service_(hash_text(service)) {}

Limits::Limits(Limits&& other) noexcept = default;
Limits& Limits::operator=(Limits&& other) noexcept = default;
Limits::~Limits() = default;

Result<Limits> Limits::open(const std::string& path, std::string_view service, const LimitConfig& config) {
    auto table = SharedTable<LimitTable>::open(path, version);
    if (!table) return table.error();
    return Limits(std::make_unique<Table>(std::move(*table)), service, config);
}

Limits::Admission Limits::admit(std::string_view source_key, Instant now) {
    const std::uint64_t source = hash_text(source_key);
    const std::int64_t at = now.time_since_epoch().count();
    const auto table = table_->lock();
    Admission admission;
    if (in_force(find_penalty(*table, source), at, config_)) {
        admission.refused = Refused::penalty;
        return admission;
    }
    admission.refused = exceeded(count(*table, service_, source), config_);
    if (admission.refused) {
        reclaim_dead(*table);
        admission.refused = exceeded(count(*table, service_, source), config_);
        if (admission.refused) return admission;
    }
    admission.slot = free_slot(*table);
    table->slots[admission.slot] = Slot{source, service_, ::getpid()};
    return admission;
}

std::optional<Refused> Limits::rename(std::uint32_t slot, std::string_view source_key, Instant now) {
    const std::uint64_t source = hash_text(source_key);
    const auto table = table_->lock();
    if (in_force(find_penalty(*table, source), now.time_since_epoch().count(), config_)) return Refused::penalty;
    if (count(*table, service_, source).source >= config_.per_source) reclaim_dead(*table);
    if (count(*table, service_, source).source >= config_.per_source) return Refused::per_source;
    table->slots[slot].source = source;
    return std::nullopt;
}

void Limits::release(std::uint32_t slot) {
    const auto table = table_->lock();
    if (slot < max_slots && table->slots[slot].pid == ::getpid()) table->slots[slot].pid = 0;
}

Millis Limits::penalise(std::string_view source_key, Instant now) {
    const std::uint64_t source = hash_text(source_key);
    const std::int64_t at = now.time_since_epoch().count();
    const auto table = table_->lock();
    Penalty* penalty = find_penalty(*table, source);
    const bool fresh = penalty == nullptr || at > penalty->until + config_.penalty_max.count();
    if (penalty == nullptr) penalty = place_for_penalty(*table, at, config_);
    if (penalty == nullptr) return Millis(0);
    const std::int64_t length = fresh ? config_.penalty_start.count()
                                      : std::min<std::int64_t>(penalty->length * 2, config_.penalty_max.count());
    *penalty = Penalty{source, at + length, length};
    return Millis(length);
}

} // namespace posada::service
