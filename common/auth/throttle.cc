// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/throttle.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "common/auth/scram.h"
#include "common/base/hash.h"
#include "common/base/secret.h"
#include "common/base/shared_table.h"

namespace posada::auth {

namespace {

constexpr std::uint32_t version = 1;
constexpr std::uint32_t most_rows = 8'192;
constexpr std::size_t places = 8; // of a row
constexpr std::size_t remembered = 10;

struct Source {
    std::uint64_t hash;  // 0 = free
    std::uint64_t steps; // of delays, 1 based
    std::int64_t last;   // milliseconds of the monotonic clock, like until
    std::int64_t until;
    std::uint64_t failures[remembered]; // the first octets of marks, 0 = none
    std::uint64_t next;                 // the oldest failure
};

struct Sources {
    bool has_key;
    char key[sha256_size];
    Source rows[most_rows][places];
};

std::int64_t count(Instant at) { return at.time_since_epoch().count(); }

// Of another boot of the machine, or for so long that all is forgiven: as if it were not there.
std::size_t steps_now(const Source& source, std::int64_t now, Millis quiet) {
    if (source.last > now) return 0;
    const auto forgiven = static_cast<std::uint64_t>((now - source.last) / std::max<std::int64_t>(1, quiet.count()));
    return source.steps > forgiven ? source.steps - forgiven : 0;
}

Source* find(Source (&row)[places], std::uint64_t hash) {
    Source* const found = std::find_if(row, row + places, [hash](const Source& s) { return s.hash == hash; });
    return found == row + places ? nullptr : found;
}

// The source's place, or a free one, or that of a source that is quiet; null: the row is full.
Source* place_of(Source (&row)[places], std::uint64_t hash, std::int64_t now, Millis quiet) {
    Source* const own = find(row, hash);
    if (own != nullptr && own->last <= now) return own;
    Source* const free = own != nullptr ? own : std::find_if(row, row + places, [&](const Source& s) {
        return s.hash == 0 || steps_now(s, now, quiet) == 0;
    });
    if (free == row + places) return nullptr;
    *free = Source{};
    free->hash = hash;
    return free;
}

// Keyed, so that nobody can choose who shares a row.
std::uint64_t hash_of(std::string_view source, const std::string& key) {
    return std::max<std::uint64_t>(fnv1a(std::string(key).append(source)), 1);
}

std::uint64_t short_mark(std::string_view mark) {
    std::uint64_t out = 0;
    std::memcpy(&out, mark.data(), std::min(mark.size(), sizeof out));
    return std::max<std::uint64_t>(out, 1);
}

const unsigned char* octets(const std::string& s) { return reinterpret_cast<const unsigned char*>(s.data()); }

// Fails only without memory, or without the algorithms that everything here needs.
void check(int done) {
    if (done != 1) std::abort();
}

evp_mac_ctx_st* make_hmac(const std::string& key) {
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC* const hmac = ::EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    evp_mac_ctx_st* const context = ::EVP_MAC_CTX_new(hmac);
    ::EVP_MAC_free(hmac);
    check(context != nullptr ? ::EVP_MAC_init(context, octets(key), key.size(), params) : 0);
    return context;
}

} // namespace

void Throttle::MacFree::operator()(evp_mac_ctx_st* context) const noexcept { ::EVP_MAC_CTX_free(context); }

struct Throttle::Table {
    explicit Table(SharedTable<Sources> shared) : memory(std::move(shared)) {}
    SharedTable<Sources> memory;
};

Throttle::Throttle(const Clock& clock, ThrottleConfig config) : clock_(clock), config_(std::move(config)) {
    config_.rows = std::clamp<std::uint32_t>(config_.rows, 1, most_rows);
    auto table = SharedTable<Sources>::open(config_.file, version);
    if (!table) {
        shared_ = table.error();
        table = SharedTable<Sources>::open("", version);
    }
    check(table.ok() ? 1 : 0);
    table_ = std::make_unique<Table>(std::move(*table));
    const auto sources = table_->memory.lock();
    if (!std::exchange(sources->has_key, true)) random_bytes(sha256_size).copy(sources->key, sha256_size);
    key_.assign(sources->key, sha256_size);
}

Throttle::~Throttle() = default;

Millis Throttle::hold(std::string_view source) const {
    const std::uint64_t hash = hash_of(source, key_);
    const std::int64_t now = count(clock_.now());
    const auto sources = table_->memory.lock();
    const Source* const found = find(sources->rows[hash % config_.rows], hash);
    if (found == nullptr || found->last > now) return Millis(0);
    return Millis(std::max<std::int64_t>(0, found->until - now));
}

std::string Throttle::mark(std::string_view user, std::string_view password) {
    std::string text = std::to_string(user.size()).append(":").append(user).append(password);
    if (!mac_) mac_.reset(make_hmac(key_)); // not before the heap has settled
    std::string out(sha256_size, '\0');
    std::size_t size = 0;
    check(::EVP_MAC_update(mac_.get(), octets(text), text.size()));
    wipe(text);
    check(::EVP_MAC_final(mac_.get(), reinterpret_cast<unsigned char*>(out.data()), &size, out.size()));
    check(::EVP_MAC_init(mac_.get(), octets(key_), key_.size(), nullptr)); // for the next; nothing of this one stays
    return out;
}

Millis Throttle::failed(std::string_view source_key, std::string_view mark) {
    if (config_.delays.empty()) return Millis(0);
    const std::uint64_t hash = hash_of(source_key, key_);
    const std::uint64_t guess = short_mark(mark);
    const std::int64_t now = count(clock_.now());
    const auto sources = table_->memory.lock();
    Source* const source = place_of(sources->rows[hash % config_.rows], hash, now, config_.quiet);
    if (source == nullptr) return config_.delays.front();
    const bool again =
        std::find(source->failures, source->failures + remembered, guess) != source->failures + remembered;
    const std::size_t steps = std::max<std::size_t>(steps_now(*source, now, config_.quiet) + (again ? 0 : 1), 1);
    source->steps = std::min(steps, config_.delays.size());
    if (!again) source->failures[source->next++ % remembered] = guess;
    const Millis delay = config_.delays[source->steps - 1];
    source->last = now;
    source->until = std::max(source->until, now + delay.count());
    return delay;
}

void Throttle::succeeded(std::string_view source_key) {
    const std::uint64_t hash = hash_of(source_key, key_);
    const auto sources = table_->memory.lock();
    Source* const source = find(sources->rows[hash % config_.rows], hash);
    if (source != nullptr) *source = Source{};
}

std::size_t Throttle::sources() const {
    const auto sources = table_->memory.lock();
    std::size_t out = 0;
    for (const auto& row : sources->rows)
        out += static_cast<std::size_t>(std::count_if(row, row + places, [](const Source& s) { return s.hash != 0; }));
    return out;
}

} // namespace posada::auth
