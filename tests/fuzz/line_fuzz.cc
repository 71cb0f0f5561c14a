// SPDX-License-Identifier: BSD-2-Clause
// LineReader: byte 0 is the limit; the rest, cut in any way, gives the same lines, none longer than the
// limit, and every input byte is accounted for.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/proto/line.h"

using namespace posada::proto;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

std::vector<std::string> lines_of(std::string_view text, std::size_t piece, std::size_t limit) {
    LineReader reader(limit);
    std::vector<std::string> out;
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
        for (std::string_view rest = text.substr(0, piece); !rest.empty();) {
            const LineEvent event = reader.consume(rest);
            require(event.consumed > 0 && event.consumed <= rest.size());
            rest.remove_prefix(event.consumed);
            if (event.kind == LineKind::need_more) continue;
            require(event.line.size() < limit);
            require(event.kind != LineKind::line || event.line.find('\0') == std::string_view::npos);
            require(event.kind != LineKind::line || event.line.find_first_of("\r\n") == std::string_view::npos);
            out.push_back(std::to_string(static_cast<int>(event.kind)) + std::string(event.line));
        }
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t limit = 2 + (data[0] >> 1);
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto whole = lines_of(text, text.size(), limit);
    for (const std::size_t piece : {1U, 2U, 3U, 17U}) require(lines_of(text, piece, limit) == whole);
    return 0;
}
