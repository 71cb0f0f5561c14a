// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/throttle.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstdlib>

#include "common/auth/scram.h"
#include "common/base/secret.h"

namespace posada::auth {

namespace {

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

Throttle::Throttle(const Clock& clock, ThrottleConfig config)
    : clock_(clock), config_(std::move(config)), key_(random_bytes(sha256_size)) {}

std::size_t Throttle::steps_now(const Source& source) const {
    const Millis quiet = std::max(Millis(0), clock_.now() - source.last);
    const auto forgiven = static_cast<std::size_t>(quiet / std::max(Millis(1), config_.quiet));
    return source.steps > forgiven ? source.steps - forgiven : 0;
}

Millis Throttle::hold(std::string_view source) const {
    const auto found = sources_.find(std::string(source));
    if (found == sources_.end()) return Millis(0);
    return std::max(Millis(0), found->second.until - clock_.now());
}

void Throttle::forget_quiet() {
    for (auto it = sources_.begin(); it != sources_.end();)
        it = steps_now(it->second) == 0 ? sources_.erase(it) : std::next(it);
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

Millis Throttle::failed(std::string_view source_key, std::string mark) {
    if (config_.delays.empty()) return Millis(0);
    const std::string key(source_key);
    if (sources_.count(key) == 0 && sources_.size() >= config_.max_sources) forget_quiet();
    if (sources_.count(key) == 0 && sources_.size() >= config_.max_sources) return config_.delays.front();
    Source& source = sources_[key];
    const bool again = std::find(source.failures.begin(), source.failures.end(), mark) != source.failures.end();
    source.steps = std::max<std::size_t>(steps_now(source) + (again ? 0 : 1), 1);
    source.steps = std::min(source.steps, config_.delays.size());
    if (!again) source.failures.push_back(std::move(mark));
    if (source.failures.size() > config_.remembered) source.failures.pop_front();
    const Millis delay = config_.delays[source.steps - 1];
    source.last = clock_.now();
    source.until = std::max(source.until, source.last + delay);
    return delay;
}

void Throttle::succeeded(std::string_view source) { sources_.erase(std::string(source)); }

} // namespace posada::auth
