// SPDX-License-Identifier: BSD-2-Clause
// Reader: the input's first bytes choose which fields are read, the rest is the message. What was read without a
// failure is written again and must give the same bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/bytes.h"

using namespace posada;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void copy_field(std::uint8_t kind, Reader& in, Writer& out) {
    switch (kind % 7) {
    case 0: return out.u8(in.u8());
    case 1: return out.u16(in.u16());
    case 2: return out.u32(in.u32());
    case 3: return out.u64(in.u64());
    case 4: return out.boolean(in.boolean());
    case 5: return out.str(in.str());
    default: return out.blob(in.blob());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t fields = std::min<std::size_t>(data[0] % 32, size - 1);
    const std::string_view message(reinterpret_cast<const char*>(data) + 1 + fields, size - 1 - fields);
    Reader in(message);
    Writer out;
    bool failed = false;
    for (std::size_t i = 0; i < fields; ++i) {
        copy_field(data[1 + i], in, out);
        require(!failed || in.failed()); // a failure stays
        failed = in.failed();
    }
    const Status end = in.finish();
    require(end.ok() == (!failed && out.bytes().size() == message.size()));
    if (!failed) require(message.substr(0, out.bytes().size()) == out.bytes());
    if (failed) {
        require(end.error().code == Errc::protocol);
        require(in.u64() == 0 && in.str().empty() && in.blob().empty() && !in.boolean());
    }
    return 0;
}
