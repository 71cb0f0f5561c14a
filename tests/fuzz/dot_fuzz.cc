// SPDX-License-Identifier: BSD-2-Clause
// DotReader and DotWriter: any cut gives the same verdict; accepted content holds CRLF pairs only, and written again
// and read again it is the same. Whatever the writer makes of any text, a reader accepts whole.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/proto/dot.h"

using namespace posada::proto;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

struct Outcome {
    std::string content;
    std::size_t used = 0;
    DataFault fault = DataFault::none;
    bool ended = false;
};

Outcome read(std::string_view text, std::size_t piece, DataLines lines, std::uint64_t limit) {
    DotReader reader(limit, lines);
    Outcome out;
    while (out.used < text.size() && !reader.ended())
        out.used +=
            reader.consume(text.substr(out.used, piece), [&out](std::string_view part) { out.content += part; });
    out.fault = reader.fault();
    out.ended = reader.ended();
    if (out.fault == DataFault::none) require(reader.size() == out.content.size());
    return out;
}

void require_clean(std::string_view text) {
    require(text.find('\0') == std::string_view::npos);
    for (std::size_t i = 0; i < text.size(); ++i) {
        require(text[i] != '\n' || (i > 0 && text[i - 1] == '\r'));
        require(text[i] != '\r' || (i + 1 < text.size() && text[i + 1] == '\n'));
    }
}

std::string written(std::string_view text, std::size_t piece, std::size_t wrap) {
    DotWriter writer(wrap);
    std::string out;
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) writer.write(text.substr(0, piece), out);
    writer.finish(out);
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto lines = static_cast<DataLines>(data[0] % 3);
    const std::uint64_t limit = data[0] < 128 ? 1 << 20 : data[0];
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Outcome whole = read(text, text.size(), lines, limit);
    for (const std::size_t piece : {1U, 2U, 3U, 13U}) {
        const Outcome cut = read(text, piece, lines, limit);
        require(cut.used == whole.used && cut.fault == whole.fault && cut.ended == whole.ended);
        require(whole.fault != DataFault::none || cut.content == whole.content);
        require(written(text, piece, 0) == written(text, text.size(), 0));
        require(written(text, piece, 20) == written(text, text.size(), 20));
    }
    if (whole.ended && whole.fault == DataFault::none) {
        require_clean(whole.content);
        const Outcome again = read(written(whole.content, 7, 0), 64, DataLines::crlf, limit);
        require(again.ended && again.content == whole.content);
    }
    for (const std::size_t wrap : {0U, 20U}) {
        const std::string out = written(text, text.size(), wrap);
        if (text.find('\0') != std::string_view::npos) break;
        const Outcome back = read(out, out.size(), DataLines::crlf, ~std::uint64_t{0});
        require(back.ended && back.fault == DataFault::none && back.used == out.size());
    }
    return 0;
}
