// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/bytes.h"

#include <cstdlib>

namespace posada {

void Writer::number(std::uint64_t v, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) out_.push_back(static_cast<char>((v >> (8 * i)) & 0xFF));
}

void Writer::str(std::string_view v) {
    if (v.size() > 0xFFFF) std::abort();
    u16(static_cast<std::uint16_t>(v.size()));
    out_.append(v);
}

void Writer::blob(std::string_view v) {
    if (v.size() > 0xFFFFFFFF) std::abort();
    u32(static_cast<std::uint32_t>(v.size()));
    out_.append(v);
}

std::string_view Reader::take(std::size_t size) {
    if (failed_ || in_.size() < size) {
        failed_ = true;
        return {};
    }
    const std::string_view out = in_.substr(0, size);
    in_.remove_prefix(size);
    return out;
}

std::uint64_t Reader::number(std::size_t size) {
    const std::string_view raw = take(size);
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < raw.size(); ++i)
        v |= static_cast<std::uint64_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
    return v;
}

bool Reader::boolean() {
    const std::uint8_t v = u8();
    if (v > 1) failed_ = true;
    return v == 1;
}

std::string_view Reader::str() { return take(u16()); }
std::string_view Reader::blob() { return take(u32()); }

Status Reader::finish() const {
    if (failed_) return Error{Errc::protocol, 0, "malformed field"};
    if (!in_.empty()) return Error{Errc::protocol, 0, "bytes left over"};
    return {};
}

} // namespace posada
