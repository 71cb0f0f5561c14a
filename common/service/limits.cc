// SPDX-License-Identifier: BSD-2-Clause
#include "common/service/limits.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/base/fd.h"
#include "common/base/hash.h"

namespace posada::service {

namespace {

constexpr std::uint32_t max_slots = 16'384;
constexpr std::uint32_t max_penalties = 4'096; // beyond it the table is permissive: a flood must not lock others out
constexpr std::uint64_t magic = 0x706f736164613031ULL;

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
    std::uint64_t ready;
    pthread_mutex_t mutex;
    std::uint32_t high_water;         // slots above it were never used
    std::uint32_t penalty_high_water; // nor penalties: 96 KiB need not be read for every client
    Slot slots[max_slots];
    Penalty penalties[max_penalties];
};

namespace {

// A robust mutex: a launcher killed inside the lock does not stop the others.
class Lock {
  public:
    explicit Lock(pthread_mutex_t& mutex) : mutex_(mutex) {
        if (::pthread_mutex_lock(&mutex_) == EOWNERDEAD) ::pthread_mutex_consistent(&mutex_);
    }
    ~Lock() { ::pthread_mutex_unlock(&mutex_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

  private:
    pthread_mutex_t& mutex_;
};

void initialise(LimitTable& table) {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutex_init(&table.mutex, &attributes);
    ::pthread_mutexattr_destroy(&attributes);
    table.ready = magic;
}

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

Penalty* place_for_penalty(LimitTable& table, std::int64_t now, const LimitConfig& config) {
    const std::uint32_t used = std::min(table.penalty_high_water, max_penalties);
    for (std::uint32_t i = 0; i < used; ++i)
        if (now > table.penalties[i].until + config.penalty_max.count()) return &table.penalties[i];
    if (used == max_penalties) return nullptr;
    return &table.penalties[table.penalty_high_water++];
}

} // namespace

const char* refused_name(Refused which) noexcept {
    switch (which) {
    case Refused::total: return "total";
    case Refused::per_service: return "per-service";
    case Refused::per_source: return "per-source";
    case Refused::penalty: return "penalty";
    }
    return "unknown";
}

Result<Limits> Limits::open(const std::string& path, std::string_view service, const LimitConfig& config) {
    UniqueFd file(path.empty() ? ::memfd_create("posada-limits", MFD_CLOEXEC)
                               : ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return errno_error("limits table " + path);
    if (::flock(file.get(), LOCK_EX) != 0) return errno_error("lock of the limits table");
    if (::ftruncate(file.get(), sizeof(LimitTable)) != 0) return errno_error("size of the limits table");
    void* memory = ::mmap(nullptr, sizeof(LimitTable), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) return errno_error("map of the limits table");
    Limits limits;
    limits.table_ = static_cast<LimitTable*>(memory);
    limits.config_ = config;
    limits.service_ = hash_text(service);
    if (limits.table_->ready != magic) initialise(*limits.table_);
    ::flock(file.get(), LOCK_UN); // the mapping keeps the open file, and with it the lock, alive
    return limits;
}

Limits::Limits(Limits&& other) noexcept
    : table_(std::exchange(other.table_, nullptr)), config_(other.config_), service_(other.service_) {}

Limits& Limits::operator=(Limits&& other) noexcept {
    std::swap(table_, other.table_);
    config_ = other.config_;
    service_ = other.service_;
    return *this;
}

Limits::~Limits() {
    if (table_ != nullptr) ::munmap(table_, sizeof(LimitTable));
}

Limits::Admission Limits::admit(std::string_view source_key, Instant now) {
    const std::uint64_t source = hash_text(source_key);
    const std::int64_t at = now.time_since_epoch().count();
    const Lock lock(table_->mutex);
    Admission admission;
    const Penalty* penalty = find_penalty(*table_, source);
    if (penalty != nullptr && at < penalty->until) {
        admission.refused = Refused::penalty;
        return admission;
    }
    admission.refused = exceeded(count(*table_, service_, source), config_);
    if (admission.refused) {
        reclaim_dead(*table_);
        admission.refused = exceeded(count(*table_, service_, source), config_);
        if (admission.refused) return admission;
    }
    admission.slot = free_slot(*table_);
    table_->slots[admission.slot] = Slot{source, service_, ::getpid()};
    return admission;
}

std::optional<Refused> Limits::rename(std::uint32_t slot, std::string_view source_key, Instant now) {
    const std::uint64_t source = hash_text(source_key);
    const Lock lock(table_->mutex);
    const Penalty* penalty = find_penalty(*table_, source);
    if (penalty != nullptr && now.time_since_epoch().count() < penalty->until) return Refused::penalty;
    if (count(*table_, service_, source).source >= config_.per_source) reclaim_dead(*table_);
    if (count(*table_, service_, source).source >= config_.per_source) return Refused::per_source;
    table_->slots[slot].source = source;
    return std::nullopt;
}

void Limits::release(std::uint32_t slot) {
    const Lock lock(table_->mutex);
    if (slot < max_slots && table_->slots[slot].pid == ::getpid()) table_->slots[slot].pid = 0;
}

Millis Limits::penalise(std::string_view source_key, Instant now) {
    const std::uint64_t source = hash_text(source_key);
    const std::int64_t at = now.time_since_epoch().count();
    const Lock lock(table_->mutex);
    Penalty* penalty = find_penalty(*table_, source);
    const bool fresh = penalty == nullptr || at > penalty->until + config_.penalty_max.count();
    if (penalty == nullptr) penalty = place_for_penalty(*table_, at, config_);
    if (penalty == nullptr) return Millis(0);
    const std::int64_t length = fresh ? config_.penalty_start.count()
                                      : std::min<std::int64_t>(penalty->length * 2, config_.penalty_max.count());
    *penalty = Penalty{source, at + length, length};
    return Millis(length);
}

} // namespace posada::service
