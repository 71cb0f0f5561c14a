// SPDX-License-Identifier: BSD-2-Clause
// A stored message on its way out: whatever it is and however it is cut, RETR sends the octets that LIST announced, in
// CRLF lines without NUL, with exactly one end; TOP sends a beginning of that.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/store/message_measure.h"
#include "pop3d/message_writer.h"

using namespace posada;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

std::string sent(std::string_view stored, std::optional<std::uint64_t> lines, std::size_t piece) {
    pop3d::MessageWriter writer(lines);
    std::string out;
    for (; !stored.empty(); stored.remove_prefix(std::min(piece, stored.size())))
        writer.write(stored.substr(0, piece), out);
    writer.finish(out);
    return out;
}

// What the client keeps.
std::string received(std::string_view wire) {
    std::string out;
    for (;;) {
        const std::size_t end = wire.find("\r\n");
        require(end != std::string_view::npos);
        std::string_view line = wire.substr(0, end);
        wire.remove_prefix(end + 2);
        if (line == ".") break;
        require(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
        if (!line.empty() && line.front() == '.') line.remove_prefix(1);
        out.append(line).append("\r\n");
    }
    require(wire.empty());
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view stored(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t piece = 1U + data[0];
    const std::string whole = sent(stored, {}, piece);
    require(whole == sent(stored, {}, size));
    store::MessageMeasure measure;
    for (std::string_view rest = stored; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
        measure.add(rest.substr(0, piece));
    const std::string kept = received(whole);
    require(kept.size() == measure.sent());
    const std::string top = received(sent(stored, data[1], piece));
    require(kept.starts_with(top));
    return 0;
}
