// SPDX-License-Identifier: BSD-2-Clause
// Password hashes over libcrypt (yescrypt). Every check of a name costs exactly one hash, known or not: calls() lets a
// test count them, because a clock is no judge of timing oracles.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace posada::auth {

class Hasher {
  public:
    // cost: yescrypt's, 1 to 11; 0 = the library's default (5, some tens of milliseconds).
    explicit Hasher(unsigned cost = 0) : cost_(cost) {}
    // Errc::invalid for an empty password, one with a NUL, or one over max_password bytes.
    Result<std::string> hash(std::string_view password);
    // One hash, whatever the arguments are; a password that hash() would refuse never matches.
    bool verify(std::string_view hash, std::string_view password);
    // The same work for a name that does not exist.
    void junk(std::string_view password);
    [[nodiscard]] std::uint64_t calls() const { return calls_; }

    static constexpr std::size_t max_password = 511; // libcrypt's own limit
    // A setting that crypt(3) here computes and calls strong enough (yescrypt, gost-yescrypt, scrypt, bcrypt,
    // sha512crypt).
    static bool acceptable(std::string_view hash);

  private:
    unsigned cost_;
    std::uint64_t calls_ = 0;
};

} // namespace posada::auth
