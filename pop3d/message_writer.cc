// SPDX-License-Identifier: BSD-2-Clause
#include "pop3d/message_writer.h"

#include <algorithm>

namespace posada::pop3d {

void MessageWriter::write(std::string_view text, std::string& out) {
    if (satisfied_) return;
    text = text.substr(0, wanted(text));
    if (text.find('\0') != std::string_view::npos) {
        clean_.assign(text);
        std::replace(clean_.begin(), clean_.end(), '\0', '\x80');
        text = clean_;
    }
    dots_.write(text, out);
}

// How much of text is still to be sent; follows the lines on the way.
std::size_t MessageWriter::wanted(std::string_view text) {
    if (!in_header_ && !body_lines_) return text.size();
    std::size_t at = 0;
    while (at < text.size() && !satisfied_) {
        const std::size_t lf = text.find('\n', at);
        const std::size_t end = std::min(lf, text.size());
        line_ += end - at;
        if (end > at) last_ = text[end - 1];
        at = end;
        if (lf == std::string_view::npos) break;
        ++at;
        end_line();
        if (!in_header_ && !body_lines_) return text.size();
    }
    return at;
}

void MessageWriter::end_line() {
    const bool blank = line_ == 0 || (line_ == 1 && last_ == '\r');
    line_ = 0;
    if (!in_header_) {
        ++lines_sent_;
    } else if (blank) {
        in_header_ = false;
    }
    satisfied_ = !in_header_ && body_lines_ && lines_sent_ >= *body_lines_;
}

// A header that never ended: its last line is ended if need be, then the blank line follows.
void MessageWriter::finish(std::string& out) {
    if (in_header_) dots_.write(line_ == 0 ? "\n" : "\n\n", out);
    dots_.finish(out);
}

} // namespace posada::pop3d
