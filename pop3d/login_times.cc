// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/login_times.h"

#include <sys/mman.h>

#include <utility>

#include "common/base/hash.h"
#include "common/base/shared_table.h"

namespace posada::pop3d {

namespace {

constexpr std::size_t table_bytes = LoginTimes::rows * LoginTimes::places * sizeof(std::uint64_t);
constexpr unsigned time_bits = 40; // milliseconds since the machine started: 34 years
constexpr std::uint64_t time_mask = (std::uint64_t{1} << time_bits) - 1;

} // namespace

Result<LoginTimes> LoginTimes::open(const std::string& path) {
    static_assert(Place::is_always_lock_free && sizeof(Place) == sizeof(std::uint64_t), "shared by processes");
    const auto memory = map_shared(path, table_bytes);
    if (!memory) return memory.error();
    return LoginTimes(static_cast<Place*>(*memory));
}

LoginTimes::LoginTimes(LoginTimes&& other) noexcept : table_(std::exchange(other.table_, nullptr)) {}

LoginTimes::~LoginTimes() {
    if (table_ != nullptr) ::munmap(table_, table_bytes);
}

bool LoginTimes::admit(std::string_view account, Instant now, Millis delay) {
    const std::uint64_t hash = fnv1a(account);
    const std::uint64_t at = static_cast<std::uint64_t>(now.time_since_epoch().count()) & time_mask;
    const std::uint64_t tag = hash >> time_bits;
    Place* const row = table_ + (hash % rows) * places;
    Place* place = row;
    for (std::size_t i = 0; i < places; ++i) {
        const std::uint64_t value = row[i].load();
        if (value != 0 && value >> time_bits == tag) {
            place = row + i;
            break;
        }
        if ((value & time_mask) < (place->load() & time_mask)) place = row + i;
    }
    std::uint64_t seen = place->load();
    // A time to come is of another boot of the machine.
    const std::uint64_t last = seen & time_mask;
    const bool same = seen != 0 && seen >> time_bits == tag && last <= at;
    if (same && at - last < static_cast<std::uint64_t>(delay.count())) return false;
    const std::uint64_t mine = tag << time_bits | at;
    // Who loses against another login of this moment comes too soon.
    return place->compare_exchange_strong(seen, mine) || seen >> time_bits != tag;
}

} // namespace posada::pop3d
