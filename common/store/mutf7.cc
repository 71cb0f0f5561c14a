// SPDX-License-Identifier: BSD-2-Clause
#include "common/store/mutf7.h"

#include <cstdint>
#include <vector>

#include "common/base/text.h"

namespace posada::store {

namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

bool is_direct(char c) { return c >= 0x20 && c <= 0x7e; }

// The code point at the start of valid UTF-8, which is taken away.
std::uint32_t take_code_point(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t out = size == 1 ? lead : lead & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) out = out << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
    text.remove_prefix(size);
    return out;
}

void append_utf8(std::string& out, std::uint32_t c) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (c < 0x80) return put(c);
    if (c < 0x800) {
        put(0xc0 | c >> 6U);
    } else if (c < 0x10000) {
        put(0xe0 | c >> 12U);
        put(0x80 | (c >> 6U & 0x3f));
    } else {
        put(0xf0 | c >> 18U);
        put(0x80 | (c >> 12U & 0x3f));
        put(0x80 | (c >> 6U & 0x3f));
    }
    put(0x80 | (c & 0x3f));
}

// What is not printable ASCII, as UTF-16 in base64 without padding.
void append_encoded(std::string& out, std::string_view& text) {
    std::uint32_t bits = 0;
    unsigned count = 0;
    const auto put = [&](std::uint32_t unit) {
        bits = bits << 16U | unit;
        for (count += 16; count >= 6; count -= 6) out += digits[bits >> (count - 6) & 0x3f];
        bits &= (1U << count) - 1;
    };
    out += '&';
    while (!text.empty() && !is_direct(text.front())) {
        const std::uint32_t c = take_code_point(text);
        if (c >= 0x10000) put(0xd800 + ((c - 0x10000) >> 10U));
        put(c >= 0x10000 ? 0xdc00 + ((c - 0x10000) & 0x3ff) : c);
    }
    if (count != 0) out += digits[bits << (6 - count) & 0x3f];
    out += '-';
}

// Octets in base64 without padding to UTF-16 units; what is left over must be zero bits.
std::optional<std::vector<std::uint16_t>> decode_units(std::string_view text) {
    std::vector<std::uint16_t> out;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const std::size_t digit = digits.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        bits = (bits << 6U | static_cast<std::uint32_t>(digit)) & 0x3fffff;
        count += 6;
        if (count < 16) continue;
        count -= 16;
        out.push_back(static_cast<std::uint16_t>(bits >> count));
    }
    if (count >= 6 || (bits & ((1U << count) - 1)) != 0) return std::nullopt;
    return out;
}

bool append_units(std::string& out, const std::vector<std::uint16_t>& units) {
    for (std::size_t i = 0; i < units.size(); ++i) {
        std::uint32_t c = units[i];
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < units.size() && (units[i + 1] & 0xfc00U) == 0xdc00)
            c = 0x10000 + ((c & 0x3ffU) << 10U) + (units[++i] & 0x3ffU);
        if (c >= 0xd800 && c < 0xe000) return false;
        append_utf8(out, c);
    }
    return true;
}

} // namespace

std::optional<std::string> mutf7_from_utf8(std::string_view name) {
    if (!is_valid_utf8(name)) return std::nullopt;
    std::string out;
    while (!name.empty()) {
        if (!is_direct(name.front())) {
            append_encoded(out, name);
            continue;
        }
        out += name.front();
        if (name.front() == '&') out += '-';
        name.remove_prefix(1);
    }
    return out;
}

std::optional<std::string> mutf7_to_utf8(std::string_view text) {
    std::string out;
    for (std::string_view rest = text; !rest.empty();) {
        if (rest.front() != '&') {
            out += rest.front();
            rest.remove_prefix(1);
            continue;
        }
        const std::size_t end = rest.find('-');
        if (end == std::string_view::npos) return std::nullopt;
        const auto units = decode_units(rest.substr(1, end - 1));
        if (!units || !append_units(out, *units)) return std::nullopt;
        if (end == 1) out += '&';
        rest.remove_prefix(end + 1);
    }
    if (mutf7_from_utf8(out) != text) return std::nullopt;
    return out;
}

} // namespace posada::store
