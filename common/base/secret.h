// SPDX-License-Identifier: BSD-2-Clause
// Secret: bytes that are wiped when they go, cannot be copied by accident, and have no operator<<.
#pragma once

#include <string>
#include <string_view>

namespace posada {

void wipe(std::string& s) noexcept; // explicit_bzero over the whole capacity, then clear

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string_view bytes) : bytes_(bytes) {}
    Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe(bytes_);
            bytes_ = other.bytes_;
            wipe(other.bytes_);
        }
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe(bytes_); }
    [[nodiscard]] std::string_view view() const noexcept { return bytes_; }
    [[nodiscard]] const char* c_str() const noexcept { return bytes_.c_str(); }
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

  private:
    std::string bytes_;
};

// Compares without an early exit; lengths are not secret.
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

} // namespace posada
