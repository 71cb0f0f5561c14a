// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/base64.h"

#include <array>
#include <cstdint>

namespace posada::proto {

namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> out{};
    for (auto& v : out) v = -1;
    for (std::int8_t i = 0; i < 64; ++i) out[static_cast<unsigned char>(alphabet[i])] = i;
    return out;
}
constexpr std::array<std::int8_t, 256> values = make_values();

} // namespace

std::string base64_encode(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::string_view group = bytes.substr(i, 3);
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            bits = (bits << 8) | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
        }
        out += alphabet[(bits >> 18) & 63];
        out += alphabet[(bits >> 12) & 63];
        out += group.size() > 1 ? alphabet[(bits >> 6) & 63] : '=';
        out += group.size() > 2 ? alphabet[bits & 63] : '=';
    }
    return out;
}

std::optional<std::string> base64_decode(std::string_view text, std::size_t max_bytes) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
    if (text.size() / 4 * 3 - padding > max_bytes) return std::nullopt;
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < text.size() - padding; ++i) {
        const std::int8_t value = values[static_cast<unsigned char>(text[i])];
        if (value < 0) return std::nullopt;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        if (i % 4 == 1) out += static_cast<char>(bits >> 4 & 0xff);
        if (i % 4 == 2) out += static_cast<char>(bits >> 2 & 0xff);
        if (i % 4 == 3) out += static_cast<char>(bits & 0xff);
    }
    if (padding == 1 && (bits & 3) != 0) return std::nullopt;
    if (padding == 2 && (bits & 15) != 0) return std::nullopt;
    return out;
}

} // namespace posada::proto
