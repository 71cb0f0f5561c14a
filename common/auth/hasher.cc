// SPDX-License-Identifier: BSD-2-Clause
#include "common/auth/hasher.h"

#include <crypt.h>
#include <string.h>

#include <memory>

#include "common/base/secret.h"

namespace posada::auth {

namespace {

struct WipeCryptData {
    void operator()(crypt_data* data) const noexcept {
        ::explicit_bzero(data, sizeof *data);
        delete data;
    }
};

// Empty when the library cannot or will not compute it.
Secret crypt_text(const char* password, const char* setting) {
    const std::unique_ptr<crypt_data, WipeCryptData> data(new crypt_data{});
    const char* out = ::crypt_r(password, setting, data.get());
    return out == nullptr || out[0] == '*' ? Secret() : Secret(out);
}

bool hashable(std::string_view password) {
    return !password.empty() && password.size() <= Hasher::max_password &&
           password.find('\0') == std::string_view::npos;
}

} // namespace

Result<std::string> Hasher::hash(std::string_view password) {
    if (password.empty()) return Error{Errc::invalid, 0, "an empty password"};
    if (password.size() > max_password)
        return Error{Errc::invalid, 0, "a password longer than " + std::to_string(max_password) + " bytes"};
    if (password.find('\0') != std::string_view::npos) return Error{Errc::invalid, 0, "a password with a NUL byte"};
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (::crypt_gensalt_rn("$y$", cost_, nullptr, 0, setting, sizeof setting) == nullptr)
        return errno_error("no yescrypt in libcrypt");
    const Secret copy(password);
    ++calls_;
    const Secret out = crypt_text(copy.c_str(), setting);
    if (out.empty()) return errno_error("cannot hash the password");
    return std::string(out.view());
}

bool Hasher::verify(std::string_view hash, std::string_view password) {
    if (!hashable(password) || !acceptable(hash)) {
        junk(password);
        return false;
    }
    const Secret setting(hash);
    const Secret copy(password);
    ++calls_;
    const Secret out = crypt_text(copy.c_str(), setting.c_str());
    return !out.empty() && equal_constant_time(out.view(), hash);
}

void Hasher::junk(std::string_view password) {
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    ++calls_;
    if (::crypt_gensalt_rn("$y$", cost_, nullptr, 0, setting, sizeof setting) == nullptr) return;
    const Secret copy(hashable(password) ? password : std::string_view("x"));
    crypt_text(copy.c_str(), setting);
}

bool Hasher::acceptable(std::string_view hash) {
    if (hash.empty() || hash.front() != '$' || hash.find('\0') != std::string_view::npos) return false;
    return ::crypt_checksalt(Secret(hash).c_str()) == CRYPT_SALT_OK;
}

} // namespace posada::auth
