// SPDX-License-Identifier: BSD-2-Clause
#include "common/proto/line.h"

namespace posada::proto {

LineEvent LineReader::consume(std::string_view input) {
    const std::size_t lf = input.find('\n');
    if (lf == std::string_view::npos) return keep(input);
    const std::size_t consumed = lf + 1;
    const bool fits = !swallowing_ && partial_.size() + consumed <= max_line_;
    if (!fits) {
        reset();
        LineEvent out;
        out.kind = LineKind::too_long;
        out.consumed = consumed;
        return out;
    }
    if (partial_.empty()) return finish(input.substr(0, lf), consumed);
    current_.swap(partial_);
    partial_.clear();
    current_.append(input.substr(0, lf));
    return finish(current_, consumed);
}

LineEvent LineReader::keep(std::string_view input) {
    LineEvent out;
    out.consumed = input.size();
    if (swallowing_) return out;
    if (partial_.size() + input.size() > max_line_) {
        partial_.clear();
        swallowing_ = true;
    } else {
        partial_.append(input);
    }
    return out;
}

LineEvent LineReader::finish(std::string_view line, std::size_t consumed) {
    LineEvent out;
    out.consumed = consumed;
    out.bare_lf = line.empty() || line.back() != '\r';
    if (!out.bare_lf) line.remove_suffix(1);
    out.line = line;
    out.bare_cr = line.find('\r') != std::string_view::npos;
    out.nul = line.find('\0') != std::string_view::npos;
    out.kind = out.bare_cr || out.nul ? LineKind::malformed : LineKind::line;
    return out;
}

void LineReader::reset() {
    partial_.clear();
    swallowing_ = false;
}

} // namespace posada::proto
